"""What a printed metric says against calling a run healthy, each beside a healthy twin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from builders import event, log_of

from trainadvisor.judge.printed_doubts import printed_metrics, rewards_printed
from trainadvisor.judge.success import successes

if TYPE_CHECKING:
    from pathlib import Path

RISING = [0.2, 0.5, 0.6, 0.7, 0.71, 0.7, 0.72, 0.71]


def _log(folder: Path, values: list[float], name: str = "val f1") -> Any:
    told = [event("figures-printed", {"held_out": {name: value}}, step=5 * n) for n, value in enumerate(values, 1)]
    return log_of(folder, columns={"loss": [1.0] * 60}, events=told)


def _doubts(log: Any) -> list[tuple[str, dict[str, Any]]]:
    seen: Any = SimpleNamespace(log=log)
    return [(remark.kind, remark.values) for remark in printed_metrics(seen)]


@pytest.mark.parametrize(
    ("values", "doubts"),
    [
        (RISING, []),
        ([0.0] * 8, [("metric-still", {"evals": 8})]),
        ([1.0] * 8, []),
        ([0.0] * 4, []),
        ([*RISING, 0.6, 0.4, 0.35, 0.35], [("metric-fell", {"share": pytest.approx(0.36 / 0.71)})]),
        ([*RISING, 0.67, 0.67, 0.67], []),
        ([0.003, 0.001, -0.1, -0.2, -0.3, -0.35], []),
        ([0.2, 0.9, 0.3, 0.8, 0.2, 0.9, 0.3, 0.5, 0.2], []),
    ],
    ids=["rises", "stays at nothing", "is perfect", "too few", "falls", "falls by little", "has no zero", "fluctuates"],
)
def test_a_metric_that_stays_or_falls_leaves_the_question_open(
    tmp_path: Path, values: list[float], doubts: list[Any]
) -> None:
    """By more than a tenth of its best level and its own noise."""
    assert _doubts(_log(tmp_path, values)) == doubts


@pytest.mark.parametrize("name", ["val mae", "mean reward", "val perplexity"])
def test_what_is_better_when_lower_and_a_return_are_left_out(tmp_path: Path, name: str) -> None:
    """The one has to fall, the other goes up and down."""
    assert _doubts(_log(tmp_path, [0.0] * 8, name)) == []


def test_a_printed_metric_that_rises_is_a_success(tmp_path: Path) -> None:
    """Also where no evaluation was recorded, as for the return of a policy."""
    signals: Any = SimpleNamespace(get=lambda _: None)
    rising, still = (
        _log(tmp_path, values, "mean return") for values in ([1.0, 9.0, 18.0, 25.0, 33.0, 40.0], [5.0] * 6)
    )
    assert [(one.kind, one.values["name"], one.values["value"]) for one in successes(rising, signals)] == [
        ("metric", "mean return", 40.0)
    ]
    assert list(successes(still, signals)) == []


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("val f1", [0.20, 0.21, 0.22, 0.23, 0.24, 0.25], False),
        ("val f1", [0.20, 0.25, 0.30, 0.35, 0.40, 0.45], True),
        ("val auc", [97.0, 97.2, 97.4, 97.6, 97.8, 98.0], True),
        ("mean return", [20.0, 20.2, 20.4, 20.6, 20.8, 21.0], False),
    ],
)
def test_a_rise_counts_from_a_tenth_of_what_was_left(
    tmp_path: Path, name: str, values: list[float], *, told: bool
) -> None:
    """To 1 or 100 percent, where the metric ends there; else of its own size."""
    signals: Any = SimpleNamespace(get=lambda _: None)
    assert bool(list(successes(_log(tmp_path, values, name), signals))) == told


@pytest.mark.parametrize(
    ("name", "count", "told"), [("mean return", 5, True), ("mean return", 4, False), ("val f1", 9, False)]
)
def test_a_return_that_is_told_often_is_known(tmp_path: Path, name: str, count: int, *, told: bool) -> None:
    """Then it is its level, not its lack, that leaves the question open."""
    seen: Any = SimpleNamespace(log=_log(tmp_path, [5.0] * count, name))
    assert rewards_printed(seen) is told


def test_a_printed_metric_that_is_recorded_too_is_measured_by_ours(tmp_path: Path) -> None:
    """Its rise alone is none: ours is held against an answer without learning."""
    signals: Any = SimpleNamespace(get=lambda _: None)
    values = [0.10, 0.15, 0.20, 0.25, 0.30, 0.35]
    told = [event("figures-printed", {"held_out": {"val acc": value}}, step=5 * n) for n, value in enumerate(values, 1)]
    evals = [{"step": 5 * n, "loss": 1.0, "metrics": {"accuracy": value}} for n, value in enumerate(values, 1)]
    alone = log_of(tmp_path, columns={"loss": [1.0] * 60}, events=told)
    both = log_of(tmp_path, columns={"loss": [1.0] * 60}, events=told, evals=evals)
    assert [[one.values["name"] for one in successes(log, signals)] for log in (alone, both)] == [["val acc"], []]
