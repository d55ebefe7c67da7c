"""Marks and curves of the timeline: spikes, stretches, evaluations, events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import event, log_of

from trainadvisor.log.curves import curves

if TYPE_CHECKING:
    from pathlib import Path


def drawn(folder: Path, **parts: Any) -> Any:
    """Return the curves of a run."""
    return curves(log_of(folder, **parts))


def evaluated(*losses: Any) -> list[dict[str, Any]]:
    """Return evaluations every ten steps."""
    return [{"step": 10 * n, "epoch": n, "loss": loss, "metrics": {}} for n, loss in enumerate(losses, 1)]


def test_the_best_evaluation_is_the_first_with_the_lowest_loss(tmp_path: Path) -> None:
    """What is not finite is none; without any nothing is marked."""
    marks = drawn(tmp_path, steps=60, evals=evaluated(3.0, "nan", 1.0, 1.0, 2.0))["marks"]
    assert marks["best"] == {"loss": 1.0, "step": 30, "epoch": 3}
    assert drawn(tmp_path, steps=60, evals=evaluated("nan", None))["marks"]["best"] is None
    assert drawn(tmp_path, steps=60)["marks"]["best"] is None


def test_a_spike_exceeds_twice_the_median_of_its_block(tmp_path: Path) -> None:
    """Exactly twice is none, nor is one in the first block, behind the last whole one, or of a run of three blocks."""
    loss = [1.0] * 110
    for place, value in ((10, 9.0), (40, 2.0), (50, 2.5), (105, 9.0)):
        loss[place] = value
    assert drawn(tmp_path, columns={"loss": loss})["marks"]["spikes"] == [50]
    assert drawn(tmp_path, columns={"loss": loss[:99]})["marks"]["spikes"] == []
    assert drawn(tmp_path, columns={"loss": [-value for value in loss]})["marks"]["spikes"] == []


@pytest.mark.parametrize(("rates", "places"), [([1.0, 1.25, 1.0], [1]), ([1.0, 0.5, 0.6, 0.75], [1, 3]), ([1.0], [])])
def test_a_change_of_the_rate_is_marked_beyond_a_fifth(tmp_path: Path, rates: list[float], places: list[int]) -> None:
    """Up or down, relative to the rate before."""
    assert drawn(tmp_path, columns={"loss": [1.0] * len(rates), "lr": rates})["marks"]["lr"] == places


def test_a_rate_that_changes_all_the_time_has_no_marks(tmp_path: Path) -> None:
    """Sixty changes are drawn, more are not."""
    for count, marked in ((60, 60), (61, 0)):
        rates = [1.0 if n % 2 else 2.0 for n in range(count + 1)]
        assert len(drawn(tmp_path, columns={"loss": [1.0] * (count + 1), "lr": rates})["marks"]["lr"]) == marked


def test_stretches_without_a_finite_loss_are_told_by_their_ends(tmp_path: Path) -> None:
    """Of more than sixty the gaps between are let go."""
    few = ["nan" if step in (0, 5, 6, 9) else 1.0 for step in range(10)]
    assert drawn(tmp_path, columns={"loss": few})["marks"]["nonfinite"] == [[0, 0], [5, 6], [9, 9]]
    many = ["nan" if step % 2 else 1.0 for step in range(244)]
    stretches = drawn(tmp_path, columns={"loss": many})["marks"]["nonfinite"]
    assert (len(stretches), stretches[0], stretches[-1]) == (60, [1, 5], [241, 243])


def test_without_any_loss_nothing_is_nonfinite_unless_it_was_seen(tmp_path: Path) -> None:
    """A column of nothing is a run without a loss."""
    assert drawn(tmp_path, columns={"loss": [None] * 5})["marks"]["nonfinite"] == []
    seen = [event("nonfinite", {"name": "loss"}, "loss")]
    assert drawn(tmp_path, columns={"loss": [None] * 5}, events=seen)["marks"]["nonfinite"] == [[0, 4]]


@pytest.mark.parametrize(("gap", "marked"), [(4, []), (6, [[96, 101]])])
def test_the_end_of_an_imported_log_is_lost_beyond_three_gaps(tmp_path: Path, gap: int, marked: list[Any]) -> None:
    """A value every second step; an infinity counts at once."""
    loss: list[Any] = [1.0 if step % 2 else None for step in range(96)] + [None] * gap
    assert drawn(tmp_path, columns={"loss": loss}, source="import:csv")["marks"]["nonfinite"] == marked
    loss[3] = "inf"
    assert [3, 3] in drawn(tmp_path, columns={"loss": loss}, source="import:csv")["marks"]["nonfinite"]


def test_events_are_marked_within_the_stage(tmp_path: Path) -> None:
    """Of four kinds, up to the step behind the last one, with a subject of eighty letters."""
    kinds = ("exception", "resume", "checkpoint", "nonfinite", "tally")
    events = [event(kind, {}, "s" * 90, step=3) for kind in kinds] + [event("resume", step=n) for n in (10, 11)]
    found = drawn(tmp_path, columns={"loss": [1.0] * 10}, events=events)["marks"]["events"]
    assert [(mark["kind"], mark["step"], len(mark["subject"])) for mark in found] == [
        *((kind, 3, 80) for kind in kinds[:4]),
        ("resume", 10, 0),
    ]


def test_the_time_passes_by_the_seconds_of_the_steps(tmp_path: Path) -> None:
    """A step whose time is not known takes none; without any there is no clock."""
    clock = drawn(tmp_path, columns={"loss": [1.0] * 4, "seconds": [1.0, None, 2.0, 0.5]})["span"]["time"]
    assert (clock["x"], list(clock["y"])) == ([0, 1, 2, 3], [1.0, 1.0, 3.0, 3.5])
    assert drawn(tmp_path, columns={"loss": [1.0] * 4})["span"]["time"] is None


def test_the_span_reaches_the_last_evaluation(tmp_path: Path) -> None:
    """Which may lie behind the last step."""
    late = drawn(tmp_path, columns={"loss": [1.0] * 4}, evals=[{"step": 4, "metrics": {}}])["span"]
    assert (late["first"], late["last"], late["count"]) == (0, 4, 4)
    assert drawn(tmp_path, columns={"loss": [1.0] * 4}, evals=[{"step": 1, "metrics": {}}])["span"]["last"] == 3
    assert drawn(tmp_path)["span"] == {"first": 0, "last": 0, "count": 0, "time": None}


def test_rates_of_groups_are_drawn_once_where_they_are_equal(tmp_path: Path) -> None:
    """Four at most; evaluations in the order of their steps."""
    rates = [[0.1, 0.1, 0.2, 0.3, 0.4, 0.5]] * 3
    series = drawn(tmp_path, columns={"loss": [1.0] * 3, "lr": rates})["series"]
    assert sorted(name for name in series if name.startswith("lr.")) == ["lr.0", "lr.1", "lr.2", "lr.3"]
    evals = [{"step": step, "loss": float(step), "metrics": {"f1": 0.5}} for step in (2, 0, 1)]
    series = drawn(tmp_path, columns={"loss": [1.0] * 3}, evals=evals)["series"]
    assert (series["val.loss"]["x"], list(series["val.loss"]["y"])) == ([0, 1, 2], [0.0, 1.0, 2.0])
    assert list(series["metric.f1"]["y"]) == [0.5] * 3


def test_quantiles_of_the_time_are_those_of_all_steps(tmp_path: Path) -> None:
    """To four digits."""
    seconds = np.arange(1.0, 102.0) / 3
    series = drawn(tmp_path, columns={"loss": [1.0] * 101, "seconds": seconds})["series"]
    assert series["seconds"]["quantiles"] == {"p50": 17.0, "p95": 32.0, "p99": 33.33}
