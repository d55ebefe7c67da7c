"""Whether one batch was memorized."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import build_log

from trainadvisor.log.reader import RunLog, read_log
from trainadvisor.preflight import one_batch

HELD = {"kind": "change", "subject": "one-batch", "detail": {"applied": True, "what": "held", "arguments": {}}}
CLASSES = {
    "id": 0, "name": "cross_entropy", "kind": "cross_entropy", "reduction": "mean", "label_smoothing": 0.0,
    "weighted": False, "phase": "train", "prediction": {"shape": [32, 4]},
    "target": {"shape": [32], "classes": 4, "histogram": [80, 80, 80, 80], "integer": True, "examples": 320},
}  # fmt: skip


def log_of(folder: Path, losses: Sequence[float], *, events: Sequence[Any] = (HELD,), known: bool = True) -> RunLog:
    """Return the log of a run on one batch, with a cross-entropy of four classes or a loss that nothing is known of."""
    facts: dict[str, Any] = {"losses": [CLASSES]} if known else {}
    columns = {"loss": list(losses), "lr": 0.1} | ({"loss_id": 0} if known else {})
    return read_log(build_log(folder, columns=columns, events=events, **facts))


def falling(first: float, last: float) -> list[float]:
    """Return a hundred losses on their way."""
    return list(np.geomspace(first, last, 100))


def test_a_batch_that_is_learned_fits(tmp_path: Path) -> None:
    """From chance to a hundredth is memorization."""
    fit = one_batch.fit_of(log_of(tmp_path, falling(1.4, 0.01)))
    assert (fit.verdict, fit.first, fit.steps) == (one_batch.FITS, 1.4, 100)


def test_a_batch_that_stays_at_chance_is_stuck(tmp_path: Path) -> None:
    """Down to the entropy of the labels needs no input: nothing was learned."""
    fit = one_batch.fit_of(log_of(tmp_path, falling(2.0, np.log(4))))
    assert fit.verdict == one_batch.STUCK
    assert fit.skill == pytest.approx(0.0, abs=0.05)


def test_a_batch_that_is_half_way_stays_open(tmp_path: Path) -> None:
    """A third of the way down may only be slow."""
    fit = one_batch.fit_of(log_of(tmp_path, falling(1.4, 0.95)))
    assert (fit.verdict, fit.reason) == (one_batch.OPEN, "slow")


@pytest.mark.parametrize(("last", "verdict"), [(0.3, one_batch.FITS), (0.8, one_batch.OPEN), (0.999, one_batch.STUCK)])
def test_without_a_trivial_level_the_fall_decides(tmp_path: Path, last: float, verdict: str) -> None:
    """The floor of an unknown loss may be anywhere: only no fall at all is stuck."""
    assert one_batch.fit_of(log_of(tmp_path, falling(1.0, last), known=False)).verdict == verdict


def test_a_loss_that_breaks_is_stuck(tmp_path: Path) -> None:
    """NaN on one batch is not learning it."""
    events = [HELD, {"kind": "nonfinite", "subject": "loss", "step": 30}]
    losses = [*falling(1.4, 1.0)[:30], *[float("nan")] * 70]
    assert one_batch.fit_of(log_of(tmp_path, losses, events=events)).verdict == one_batch.STUCK


def test_a_batch_that_was_not_held_says_nothing(tmp_path: Path) -> None:
    """A change that was refused leaves the question open."""
    refused = {**HELD, "detail": {"applied": False, "refused": "no loader"}}
    fit = one_batch.fit_of(log_of(tmp_path, falling(1.4, 1.4), events=[refused]))
    assert (fit.verdict, fit.reason) == (one_batch.OPEN, "not-held")


def test_some_kinds_of_training_have_no_such_test(tmp_path: Path) -> None:
    """The loss of a policy need not fall on one batch."""
    fit = one_batch.fit_of(log_of(tmp_path, falling(1.4, 1.4)), kinds={"reinforcement", "classification"})
    assert (fit.verdict, fit.reason) == (one_batch.OPEN, "kind.reinforcement")


def test_too_few_steps_say_nothing(tmp_path: Path) -> None:
    """Ten steps are too few to memorize a batch."""
    fit = one_batch.fit_of(log_of(tmp_path, [1.4] * 10))
    assert (fit.verdict, fit.reason) == (one_batch.OPEN, "too-few")


@pytest.mark.parametrize(("last", "hardly"), [(0.95, True), (0.8, False)])
def test_a_loss_of_unknown_floor_that_hardly_falls_is_noticed(tmp_path: Path, last: float, hardly: bool) -> None:  # noqa: FBT001
    """Too little to be sure of, yet enough to confirm what a rule suspects."""
    fit = one_batch.fit_of(log_of(tmp_path, falling(1.0, last), known=False))
    assert (fit.verdict, fit.hardly) == (one_batch.OPEN, hardly)


@pytest.mark.parametrize(("best", "learns"), [(0.7, True), (1.38, False)])
def test_some_rate_must_bring_the_batch_below_chance(tmp_path: Path, best: float, learns: bool) -> None:  # noqa: FBT001
    """A fall to the entropy of the labels is none; one well below it is."""
    grid = np.geomspace(1e-6, 10, 100)
    losses = best + (1.6 - best) / (1 + (grid / 1e-2) ** 2)
    path = build_log(
        tmp_path, columns={"loss": losses, "lr": list(grid), "loss_id": 0}, events=[HELD], losses=[CLASSES]
    )
    assert one_batch.learns_at_some_rate(read_log(path)) is learns
