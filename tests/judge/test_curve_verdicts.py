"""What is said of another tool's log: a verdict where its curves show one, HEALTHY only with held-out data."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor import telling
from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis

DRAW = random.Random(7)  # noqa: S311 - noise, no secret


def judged(folder: Path, rows: list[dict[str, Any]], **hints: int) -> Diagnosis:
    """The diagnosis of rows that another tool wrote."""
    path = folder / "rows"
    path.write_text("\n".join(map(json.dumps, rows)))
    return telling.diagnose(read_log(path, **hints))  # type: ignore[arg-type]


def falling(count: int, end: float = 0.3) -> list[float]:
    """A training loss that falls, with a little noise."""
    return [end + 2 * math.exp(-4 * k / count) + DRAW.gauss(0, 0.02) for k in range(count)]


def epochs(train: list[float], held_out: list[float] | None = None) -> list[dict[str, Any]]:
    """One row an epoch."""
    rows: list[dict[str, Any]] = [{"epoch": k, "loss": loss} for k, loss in enumerate(train)]
    for row, loss in zip(rows, held_out or [], strict=False):
        row["val_loss"] = loss
    return rows


def codes(found: Diagnosis) -> list[str]:
    """The findings that are no notes."""
    return [item.code for item in found.findings if item.severity > "note"]


def test_a_falling_curve_alone_is_no_success(tmp_path: Path) -> None:
    """Nothing wrong shows, and nothing was held out."""
    found = judged(tmp_path, epochs(falling(200)))
    assert (found.state, codes(found)) == ("cannot-tell", [])
    assert [reason.code for reason in found.reasons] == ["no-evaluation"]


def test_held_out_data_that_get_better_are_one(tmp_path: Path) -> None:
    """Twenty evaluations, the last among the lowest."""
    found = judged(tmp_path, epochs(falling(20), falling(20, 0.4)))
    assert (found.state, codes(found)) == ("healthy", [])


def test_few_evaluations_show_no_trend(tmp_path: Path) -> None:
    """Five of them."""
    found = judged(tmp_path, epochs(falling(5), falling(5, 0.4)))
    assert found.state == "cannot-tell"
    assert [reason.code for reason in found.reasons] == ["few-evaluations"]


def test_a_validation_loss_that_turns_is_certain(tmp_path: Path) -> None:
    """It rises by half over eight evaluations."""
    held_out = [*falling(5, 0.9)[:5], *(1.0 + 0.08 * k for k in range(1, 9))]
    found = judged(tmp_path, epochs(falling(13), held_out))
    assert found.state == "needs-attention"
    assert (found.findings[0].code, found.findings[0].confidence) == ("validation-rises", "certain")


def test_a_flat_curve_with_a_yardstick_has_learned_nothing(tmp_path: Path) -> None:
    """The logarithm of 7, once the number of classes is known; that of 2 is told without."""
    rows = epochs([math.log(7) + DRAW.gauss(0, 0.001) for _ in range(30)])
    assert judged(tmp_path, rows).state == "cannot-tell"
    assert codes(judged(tmp_path, rows, classes=7)) == ["answers-at-chance"]
    coin = epochs([math.log(2) + DRAW.gauss(0, 0.001) for _ in range(30)])
    assert codes(judged(tmp_path, coin)) == ["answers-at-chance"]
    assert judged(tmp_path, coin).state == "needs-attention"


def test_loss_and_accuracy_of_a_coin_need_no_hint(tmp_path: Path) -> None:
    """The logarithm of 2 with half of the answers right; with more of them right nothing is said."""
    rows = epochs([math.log(2) + DRAW.gauss(0, 0.0005) for _ in range(30)])
    coin = [{**row, "accuracy": 0.5 + DRAW.gauss(0, 0.005)} for row in rows]
    assert codes(judged(tmp_path, coin)) == ["answers-at-chance"]
    assert codes(judged(tmp_path, [{**row, "accuracy": 0.7} for row in rows])) == []


@pytest.mark.parametrize(
    ("name", "values", "reasons"),
    [
        ("val_wer", [1.0] * 12, ["metric-still"]),
        ("val_acc", [0.9] * 12, ["metric-still"]),
        ("val_acc", [0.1 * k for k in range(8)] + [0.1] * 4, ["metric-fell"]),
        ("val_wer", [0.3 + 0.05 * k for k in range(12)], ["metric-fell"]),
        ("val_acc", [0.9 - 0.8 * 0.6**k for k in range(12)], []),
        ("val_wer", [0.2 + 0.8 * 0.6**k for k in range(12)], []),
    ],
)
def test_a_loss_that_falls_needs_its_metric(name: str, values: list[float], reasons: list[str], tmp_path: Path) -> None:
    """A metric that never moves, or that ends worse than it was, is no success."""
    rows = [{**row, name: value} for row, value in zip(epochs(falling(12), falling(12, 0.4)), values, strict=True)]
    found = judged(tmp_path, rows)
    assert [reason.code for reason in found.reasons] == reasons
    assert found.state == ("cannot-tell" if reasons else "healthy")


def test_a_reward_that_stays_shows_no_success(tmp_path: Path) -> None:
    """One that rises does."""
    flat, rising = (
        judged(tmp_path, [{"step": k, "loss": 1.0, "mean_reward": rise * k + DRAW.gauss(0, 1)} for k in range(40)])
        for rise in (0, 2)
    )
    assert [reason.code for reason in flat.reasons] == ["reward-level"]
    assert rising.state == "healthy"


@pytest.mark.parametrize("scatter", [0.02, 0.2])
def test_flat_curves_are_not_alarmed(scatter: float, tmp_path: Path) -> None:
    """Whatever their noise."""
    rows = epochs([math.exp(DRAW.gauss(0, scatter)) for _ in range(40)])
    assert codes(judged(tmp_path, rows)) == []


def test_a_spike_that_came_back_is_no_divergence(tmp_path: Path) -> None:
    """One that stays is."""
    losses = falling(60)
    spike = [loss + 3 * (30 <= k < 34) for k, loss in enumerate(losses)]
    stays = [loss + 3 * (k >= 30) for k, loss in enumerate(losses)]
    assert codes(judged(tmp_path, epochs(spike))) == []
    assert codes(judged(tmp_path, epochs(stays))) == ["curve-diverges"]


def test_a_bound_that_rises_is_a_success(tmp_path: Path) -> None:
    """An ELBO below 0 is raised; the same figures called a loss are a divergence."""
    values = [-1 - loss for loss in falling(60)]
    bound = [{"epoch": k, "elbo": value, "val_elbo": value} for k, value in enumerate(values)]
    loss = [{"epoch": k, "elbo_loss": value, "val_elbo_loss": value} for k, value in enumerate(values)]
    assert codes(judged(tmp_path, bound)) == []
    assert codes(judged(tmp_path, loss)) == ["curve-diverges"]


def test_a_negative_loss_that_began_above_zero_diverges(tmp_path: Path) -> None:
    """A Dice loss that falls to -0.8 and comes back; one that stays there is left alone."""
    falls = [0.01 - 0.8 * (1 - math.exp(-k / 8)) + DRAW.gauss(0, 0.01) for k in range(60)]
    back = [loss if k < 40 else -0.1 + DRAW.gauss(0, 0.01) for k, loss in enumerate(falls)]
    assert codes(judged(tmp_path, epochs(falls))) == []
    assert codes(judged(tmp_path, epochs(back))) == ["curve-diverges"]


def test_a_run_that_was_cut_off_is_noted(tmp_path: Path) -> None:
    """With the share of its plan."""
    rows = [{"current_steps": k, "total_steps": 100, "loss": loss} for k, loss in enumerate(falling(60))]
    (note,) = judged(tmp_path, rows).findings
    assert (note.code, note.severity) == ("cut-off", "note")
    assert "59 of 100" in note.sentence


def test_the_steps_are_those_that_the_writer_counted(tmp_path: Path) -> None:
    """Ten points of 500 steps are 5,000 steps."""
    found = judged(tmp_path, [{"step": 500 * k, "loss": 2.0 - k / 20} for k in range(1, 11)])
    assert (found.run["steps"], found.run["points"]) == (5000, 10)


def test_nothing_was_logged(tmp_path: Path) -> None:
    """The interval is longer than the run."""
    state = {"log_history": [], "logging_steps": 500, "max_steps": 87, "global_step": 87}
    (tmp_path / "state").write_text(json.dumps(state, indent=2))
    found = telling.diagnose(read_log(tmp_path / "state"))
    assert [reason.code for reason in found.reasons] == ["logged-too-rarely"]
    assert "500" in found.summary
