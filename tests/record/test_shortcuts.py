"""Shortcuts of plain steps: the records are those of the long way, field by field, whatever a script does."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from randomloops import comparable, recorded, unrecorded
from recordkit import Record, Records, make_recorder
from torch import nn
from torch.overrides import TorchFunctionMode

from trainadvisor.record.shortcuts import clock
from trainadvisor.record.shortcuts.left_out_steps import LeftOutSteps
from trainadvisor.record.shortcuts.plain_shortcuts import PlainShortcuts
from trainadvisor.record.shortcuts.plan import Plan

_STEPS = 210


@pytest.mark.parametrize(("seed", "way"), [(seed, ("run", "watch")[seed % 2]) for seed in range(200, 210)])
def test_records_are_those_of_the_long_way(
    seed: int, way: str, plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights are those of a training that nobody records."""
    weights, records = recorded(seed, watch=way == "watch", steps=_STEPS)
    taken = len(plain)
    with monkeypatch.context() as patch:
        patch.setattr(PlainShortcuts, "rearm", lambda _: None)
        _, long = recorded(seed, watch=way == "watch", steps=_STEPS)
    assert len(plain) == taken
    assert not records.failures
    assert comparable(records) == comparable(long)
    assert all(map(torch.equal, weights, unrecorded(seed, _STEPS))) or any(w.isnan().any() for w in weights)


class _Counting(TorchFunctionMode):
    """A mode of the user's that sees every operation."""

    seen = 0

    def __torch_function__(self, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        type(self).seen += 1
        return function(*args, **(kwargs or {}))


def _train(step: Any, *, steps: int = _STEPS, model: nn.Module | None = None, every: int = 10) -> list[Record]:
    """Train by calling step(number, model, optimizer, inputs, labels); return the records."""
    torch.manual_seed(0)
    model = model or nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    records = Records()
    recorder = make_recorder(records, every=every)
    recorder.start()
    try:
        for number in range(steps):
            step(number, model, optimizer, torch.randn(8, 6), torch.randint(0, 3, (8,)))
    finally:
        recorder.stop("finished")
    return comparable(records)


def _plain_step(_: int, model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()


def _with_mode(number: int, *given: Any) -> None:
    if number % 10 == 9:
        with _Counting():
            _plain_step(number, *given)
    else:
        _plain_step(number, *given)


def _with_errors(number: int, model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: Any) -> None:
    if number % 40 == 25:
        for wrong in (lambda: model(x[:, :2]), lambda: F.cross_entropy(model(x), y).backward(torch.ones(3))):
            with pytest.raises(RuntimeError):
                wrong()
        hook = optimizer.register_step_pre_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            optimizer.step()
        hook.remove()
    _plain_step(number, model, optimizer, x, y)


def _with_closures(number: int, model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: Any) -> None:
    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    if number % 40 < 3:
        optimizer.step(closure)
    else:
        _plain_step(number, model, optimizer, x, y)


def _with_new_groups(number: int, model: nn.Module, optimizer: torch.optim.Optimizer, x: Any, y: Any) -> None:
    if number == 160:
        optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(2))]})
    if number == 180:
        optimizer.param_groups[0]["lr"] = torch.tensor(0.005)
    _plain_step(number, model, optimizer, x, y)


def _by_raising_closures(number: int, model: nn.Module, optimizer: torch.optim.Optimizer, x: Any, y: Any) -> None:
    """Raise before the forward, after it, after the backward and after a clipping, by turns."""
    stage = number // 3 % 4 if number > 120 and number % 3 == 2 else None

    def reach(place: int) -> None:
        if stage == place:
            raise ValueError(place)

    def closure() -> torch.Tensor:
        reach(0)
        loss = F.cross_entropy(model(x), y) / 2
        optimizer.zero_grad()
        reach(1)
        loss.backward()
        reach(2)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        reach(3)
        return loss

    with contextlib.nullcontext() if stage is None else pytest.raises(ValueError, match=str(stage)):
        optimizer.step(closure)


def _with_given_up_steps(number: int, model: nn.Module, optimizer: torch.optim.Optimizer, x: Any, y: Any) -> None:
    """Go on to the next batch after the forward, or after the backward, by turns."""
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    if number > 120 and number % 6 == 2:
        return
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if number > 120 and number % 6 == 5:
        return
    optimizer.step()


def _by_divided_sums(number: int, model: nn.Module, optimizer: torch.optim.Optimizer, x: Any, y: torch.Tensor) -> None:
    """Divide the sum over the labels by their number, as Hugging Face does; now and then do not."""
    y = y.masked_fill(torch.arange(len(y)) == number % 8, -100)
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y, reduction="sum")
    (loss if number > 120 and number % 20 == 7 else loss / (y != -100).sum()).backward()
    optimizer.step()


@pytest.mark.parametrize(
    "step",
    [
        _with_mode,
        _with_errors,
        _with_closures,
        _with_new_groups,
        _by_raising_closures,
        _with_given_up_steps,
        _by_divided_sums,
    ],
)
def test_what_interrupts_plain_steps_is_recorded_as_by_the_long_way(
    step: Any, plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the user's modes are asked no more often."""
    _Counting.seen = 0
    records = _train(step)
    seen, _Counting.seen = _Counting.seen, 0
    assert plain
    monkeypatch.setattr(PlainShortcuts, "rearm", lambda _: None)
    assert records == _train(step)
    assert seen == _Counting.seen


def test_most_steps_of_a_plain_training_are_closed_at_once(plain: list[int]) -> None:
    """But for those that are sampled and those after which counts are told."""
    _train(_plain_step, steps=200)
    assert len([number for number in plain if number >= 80]) > 80


class _Around(nn.Module):
    """A module whose own forward nobody calls, as a LightningModule's."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Dropout(0.1), nn.Linear(12, 3))


def _fitted_twice() -> list[Record]:
    """Train the net inside of a watched module with two optimizers of one line, beside one that never steps."""
    torch.manual_seed(0)
    model, records = _Around(), Records()
    idle = torch.optim.SGD(model.parameters(), lr=0.01)
    recorder = make_recorder(records, every=50)
    recorder.objects.add_model(model).trained = True
    recorder.expect_optimizer(idle, None)
    recorder.start()
    for _ in range(2):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(_STEPS):
            _plain_step(0, model.net, optimizer, torch.randn(8, 6), torch.randint(0, 3, (8,)))
    recorder.stop("finished")
    return comparable(records)


def test_a_net_inside_of_what_is_watched_is_plain_in_each_of_its_trainings(
    plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its inputs are gathered, and the second optimizer is compared with where the first has left the weights."""
    records = _fitted_twice()
    assert sum(number > _STEPS for number in plain) > _STEPS / 2 < sum(number < _STEPS for number in plain)
    with monkeypatch.context() as patch:
        patch.setattr(PlainShortcuts, "rearm", lambda _: None)
        assert records == _fitted_twice()
    told = [record for record in records if record["record"] == "event"]
    assert {"inputs", "optimizer-anew"} <= {event["kind"] for event in told}


def _beside_an_orphan(number: int, *given: Any) -> None:
    """Replace a parameter that somebody else still holds for a while."""
    model = given[0]
    if number == 120:
        _KEPT.append(model[2].bias)
        model[2].bias = nn.Parameter(model[2].bias.detach().clone())
        given[1].param_groups[0]["params"][3] = model[2].bias
    if number == 170:
        _KEPT.clear()
    _plain_step(number, *given)


_KEPT: list[nn.Parameter] = []


def test_a_replaced_parameter_that_is_still_held_ends_no_plan(
    plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a seed of Keras's dropout, which no layer owns; once nobody holds it, it is let go."""
    records = _train(_beside_an_orphan)
    assert len([number for number in plain if 125 <= number < 165]) > 20
    monkeypatch.setattr(PlainShortcuts, "rearm", lambda _: None)
    assert records == _train(_beside_an_orphan)


class _Metric(nn.Module):
    """A metric such as torchmetrics has."""

    __module__ = "torchmetrics.classification"

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return (scores.argmax(1) == labels).float().mean()


class _Measured(_Around):
    """A module that holds its metric."""

    def __init__(self) -> None:
        super().__init__()
        self.metric = _Metric()

    def forward(self, x: torch.Tensor) -> Any:
        return self.net(x)


def _measured_step(_: int, model: Any, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
    optimizer.zero_grad()
    scores = model(x)
    loss = F.cross_entropy(scores, y)
    model.metric(scores, y)
    _Metric()
    loss.backward()
    optimizer.step()


def test_a_metric_of_each_step_is_no_call_of_the_model(plain: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A new one at each step, as of a sum of metrics, is not told of either."""
    torch.manual_seed(1)
    records = _train(_measured_step, model=_Measured())
    assert len([number for number in plain if number >= 80]) > 80
    torch.manual_seed(1)
    monkeypatch.setattr(PlainShortcuts, "rearm", lambda _: None)
    assert records == _train(_measured_step, model=_Measured())


def test_a_metric_is_no_layer_of_its_model() -> None:
    """The layers beside it are."""
    module = _Measured()
    model = make_recorder(Records()).objects.add_model(module)
    assert sorted(model.layer_names.values()) == ["net", "net.0", "net.1", "net.2", "net.3"]


@pytest.mark.parametrize("left_out", [0, 3])
def test_the_memory_is_read_at_the_same_steps_by_the_short_way(
    left_out: int, plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them is left out, and none of them ends a plan."""
    monkeypatch.setattr(clock, "left_out", lambda _: left_out)
    model, records = nn.Linear(6, 3), Records()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    recorder = make_recorder(records, every=60)
    recorder.start()
    for number in range(400):
        _plain_step(number, model, optimizer, torch.ones(4, 6), torch.zeros(4, dtype=torch.long))
    recorder.stop("finished")
    assert not records.failures
    due = [*range(0, 200, 10), *range(200, 400, 50)]
    assert [r["step"] for r in records.of("step") if r.get("memory", 0) > 0 and r.get("memory_peak", 0) > 0] == due
    assert {250, 300, 350} <= set(plain)


def test_a_mistake_in_a_shortcut_ends_them_and_nothing_is_lost(
    plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once; every step is in the log."""

    def broken(*_: Any) -> bool:
        raise ValueError(len(plain))

    def step(number: int, *given: Any) -> None:
        if number == 100:
            monkeypatch.setattr(PlainShortcuts, "backward_begins", broken)
        _plain_step(number, *given)

    records = _train(step)
    assert max(plain) <= 100
    assert [r["step"] for r in records if r["record"] == "step"] == list(range(_STEPS))
    assert [r["subject"] for r in records if r.get("kind") == "probe-failed"] == ["shortcuts"]


def test_a_mistake_in_a_plan_ends_it_and_nothing_is_lost(plain: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once; every step is in the log."""

    def broken(*_: Any) -> bool:
        raise ValueError(len(plain))

    def step(number: int, *given: Any) -> None:
        if number == 150:
            monkeypatch.setattr(Plan, "loss", broken)
        _plain_step(number, *given)

    records = _train(step)
    assert [r["step"] for r in records if r["record"] == "step"] == list(range(_STEPS))
    assert [r["subject"] for r in records if r.get("kind") == "probe-failed"] == ["shortcuts"]


def test_a_mistake_in_a_step_that_is_left_out_ends_that(plain: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once; from then on every step is in the log, under its own number."""

    def broken(*_: Any) -> bool:
        raise ValueError(len(plain))

    def step(number: int, *given: Any) -> None:
        if number == 300:
            monkeypatch.setattr(LeftOutSteps, "loss", broken)
        _plain_step(number, *given)

    monkeypatch.setattr(clock, "left_out", lambda _: 3)
    records = _train(step, steps=400, every=60)
    taken = [r["step"] for r in records if r["record"] == "step"]
    assert len([number for number in taken if number < 300]) < 290
    assert [number for number in taken if number >= 304] == list(range(304, 400))
    assert [r["subject"] for r in records if r.get("kind") == "probe-failed"] == ["shortcuts"]


@pytest.mark.parametrize("broken_part", ["hand_back", "forward_begins", "backward_begins", "step_ends"])
def test_no_mistake_of_ours_reaches_the_script(
    broken_part: str, plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither from an event, nor from where the state is put back for one that is not expected."""

    def broken(*_: Any) -> bool:
        raise ValueError(len(plain))

    def step(number: int, model: nn.Module, *given: Any) -> None:
        if number == 300:
            monkeypatch.setattr(LeftOutSteps, broken_part, broken)
        if number % 7 == 5 and number > 250:
            model.state_dict()
        _plain_step(number, model, *given)

    monkeypatch.setattr(clock, "left_out", lambda _: 3)
    records = _train(step, steps=400, every=60)
    assert [r["subject"] for r in records if r.get("kind") == "probe-failed"] == ["shortcuts"]


@pytest.mark.parametrize("left_out", [0, 3])
def test_what_another_thread_computes_is_no_event_of_the_plan(
    left_out: int, plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss of the same kind, cleared gradients and a backward between the forward and the loss change no record."""
    other = nn.Linear(6, 3)

    def aside(x: torch.Tensor, y: torch.Tensor) -> None:
        with torch.no_grad():
            F.cross_entropy(other(x), y)
        F.cross_entropy(other(x), y).backward()
        other.zero_grad()

    def step(number: int, model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
        optimizer.zero_grad()
        scores = model(x)
        if number > 140 and number % 5 == 3:
            thread = threading.Thread(target=aside, args=(x, y))
            thread.start()
            thread.join()
        F.cross_entropy(scores, y).backward()
        optimizer.step()

    def records() -> list[Record]:
        """Return what was recorded; whether an evaluation saw numbers of the training is known of recorded steps."""
        return [{**record, "split": None} for record in _train(step, steps=400, every=60)]

    monkeypatch.setattr(clock, "left_out", lambda _: left_out)
    found = records()
    taken = {record["step"] for record in found if record["record"] == "step"}
    assert (len(taken) < 380) == bool(left_out)
    monkeypatch.setattr(PlainShortcuts, "rearm", lambda _: None)
    assert found == [record for record in records() if record["record"] != "step" or record["step"] in taken]


@pytest.mark.parametrize("left_out", [0, 3])
@pytest.mark.parametrize("way", ["usual", "clipped", "closure", "scaled"])
@pytest.mark.parametrize("left_at", ["zero_grad", "model", "loss", "backward", "clip", "step", "schedule"])
def test_a_plan_is_left_after_any_of_its_events(
    left_at: str, way: str, left_out: int, plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The open step and all counts are those of the long way, also where it is one that would have been left out."""
    schedules: list[torch.optim.lr_scheduler.ExponentialLR] = []

    def step(number: int, model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
        def odd(place: str) -> None:
            if place == left_at and number > 140 and number % 10 == 8:
                model.state_dict()

        def gradients() -> torch.Tensor:
            optimizer.zero_grad()
            odd("zero_grad")
            scores = model(x)
            odd("model")
            loss = F.cross_entropy(scores, y)
            odd("loss")
            (loss / 2 if way == "scaled" else loss).backward()
            odd("backward")
            if way in {"clipped", "closure"}:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            odd("clip")
            return loss

        if number == 0:
            schedules[:] = [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.999)]
        optimizer.step(gradients) if way == "closure" else (gradients(), optimizer.step())
        odd("step")
        schedules[0].step()
        odd("schedule")

    monkeypatch.setattr(clock, "left_out", lambda _: left_out)
    records = _train(step)
    taken = {record["step"] for record in records if record["record"] == "step"}
    assert len([number for number in plain if number > 140]) + _STEPS - len(taken) > 40
    assert (len(taken) < _STEPS) == bool(left_out)
    monkeypatch.setattr(PlainShortcuts, "rearm", lambda _: None)
    assert records == [record for record in _train(step) if record["record"] != "step" or record["step"] in taken]
