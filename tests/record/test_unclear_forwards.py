"""A forward in eval mode with gradients, which the next event says what it was."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trainadvisor.record.evaluations import unclear_forwards
from trainadvisor.record.evaluations.evaluation_source import Sources, Stretch
from trainadvisor.record.evaluations.unclear_forwards import UnclearForward


def call(batch: torch.Tensor, *, trained: bool = True, caring: object = None) -> Any:
    """Return a forward of the second model."""
    model = SimpleNamespace(trained=trained, number=1)
    return SimpleNamespace(args=(batch,), kwargs={}, output=batch, model=model, caring=caring)


def sources(*, announced: bool = True, fresh: bool = False) -> Sources:
    """Return the sources of a run in which eval() was called or not."""
    made = Sources()
    made.announced, made.fresh = announced, fresh
    return made


def measured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note what is measured: the batch that was drawn, and the kinds of the losses."""
    seen: list[Any] = []
    monkeypatch.setattr(
        unclear_forwards.loss_free_answers, "measure", lambda _, __, batch, kinds: seen.append((batch, kinds))
    )
    return seen


LOSSES: Any = SimpleNamespace(train_kinds=lambda: {"mse_loss"})


@pytest.mark.parametrize(("fresh", "drawn", "left"), [(True, "drawn", []), (False, None, ["drawn"])])
def test_it_was_an_evaluation(
    monkeypatch: pytest.MonkeyPatch, *, fresh: bool, drawn: str | None, left: list[str]
) -> None:
    """What it gave is measured at once, beside the batch that was drawn for it, and taken once."""
    seen, unclear, where = measured(monkeypatch), UnclearForward(), sources(fresh=fresh)
    where.waiting = ["drawn"]
    one = call(torch.ones(3, 4), caring=1)
    unclear.begin(one, where)
    unclear.end(one, where, LOSSES)
    unclear.end(one, where, LOSSES)
    assert (seen, where.waiting, unclear.is_open) == ([(drawn, {"mse_loss"})], left, True)
    looked = unclear.take()
    assert looked is not None
    assert (looked.model, looked.care, looked.first, looked.examples) == (1, True, fresh, 3)
    assert (unclear.take(), unclear.is_open) == (None, False)


@pytest.mark.parametrize(("announced", "trained"), [(False, True), (True, False)])
def test_nothing_is_measured_that_nobody_announced(
    monkeypatch: pytest.MonkeyPatch, *, announced: bool, trained: bool
) -> None:
    """Nor of a model that is not trained; it is open nevertheless."""
    seen, unclear, where = measured(monkeypatch), UnclearForward(), sources(announced=announced)
    one = call(torch.ones(3, 4), trained=trained)
    unclear.begin(one, where)
    unclear.end(one, where, LOSSES)
    assert (seen, unclear.is_open, unclear.take()) == ([], True, None)


@pytest.mark.parametrize(("drawn", "remembered"), [(0, True), (1, False)])
def test_it_was_the_training(drawn: int, *, remembered: bool) -> None:
    """Its memory is remembered where no loader has given the batch."""
    unclear, where, batch = UnclearForward(), sources(), torch.ones(3, 4)
    where._drawn = drawn
    unclear.begin(call(batch), where)
    unclear.forget(where)
    assert (where.remembers(batch), unclear.is_open, unclear.take()) == (remembered, False, None)
    unclear._given = Stretch.of(torch.zeros(2))
    unclear.forget(where)
    assert unclear._given is None


def test_a_forward_without_a_tensor_counts_as_one_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which nothing is known."""
    measured(monkeypatch)
    unclear, where = UnclearForward(), sources()
    one = SimpleNamespace(args=("text",), kwargs={}, output=None, caring=None,
                          model=SimpleNamespace(trained=True, number=0))  # fmt: skip
    unclear.begin(one, where)  # type: ignore[arg-type]
    unclear.end(one, where, LOSSES)  # type: ignore[arg-type]
    looked = unclear.take()
    assert looked is not None
    assert (looked.examples, looked.care) == (1, False)
