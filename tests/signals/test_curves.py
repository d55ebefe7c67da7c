"""Signals of the curves of another tool's log, beside figures worked out by hand."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor import signals
from trainadvisor.importers.foreign_logs import read_log
from trainadvisor.signals.context import contexts

if TYPE_CHECKING:
    from pathlib import Path


def seen(folder: Path, rows: list[dict[str, Any]], **hints: int) -> Any:
    """The signals of rows that another tool wrote."""
    path = folder / "rows"
    path.write_text("\n".join(map(json.dumps, rows)))
    return signals.of(read_log(path, **hints))  # type: ignore[arg-type]


def validated(losses: list[float], **more: list[float]) -> list[dict[str, Any]]:
    """Epochs with a training loss that halves, a validation loss and further columns."""
    columns = dict(more)
    return [
        {"epoch": k, "loss": 0.5**k, "val_loss": value, **{name: values[k] for name, values in columns.items()}}
        for k, value in enumerate(losses)
    ]


def test_a_rise_is_measured_from_the_lowest_evaluation(tmp_path: Path) -> None:
    """Of six evaluations the third is the lowest."""
    told = seen(tmp_path, validated([2.0, 1.5, 1.0, 1.2, 1.4, 1.6]))
    assert (told["curve_evals"], told["curve_points"], told["curve_evals_after_best"]) == (6, 6, 3)
    assert (told["curve_val_best"], told["curve_val_best_step"], told["curve_val_final"]) == (1.0, 2, 1.6)
    assert seen(tmp_path, validated([2.0, 1.5, 1.0, 1.2, 1.4, 1.7, 1.6]))["curve_val_final"] == 1.6
    assert told["curve_val_rise"] == pytest.approx(0.6)
    assert told["curve_val_lost_share"] == pytest.approx(0.6)
    assert told["curve_val_fall"] == pytest.approx(0.2)


def test_the_metric_that_counts_goes_on(tmp_path: Path) -> None:
    """F1 counts more than accuracy, and is compared with its value at the lowest loss."""
    f1, accuracy = [0.1, 0.2, 0.4, 0.45, 0.5, 0.5], [0.5] * 6
    told = seen(tmp_path, validated([2.0, 1.5, 1.0, 1.2, 1.4, 1.6], val_f1=f1, val_accuracy=accuracy))
    assert (told["curve_metric"], told["curve_metric_best"], told["curve_metric_best_step"]) == ("val_f1", 0.5, 4)
    assert told["curve_metric_gain"] == pytest.approx(0.25)


def test_an_evaluation_after_the_last_training_row_counts(tmp_path: Path) -> None:
    """As transformers writes it."""
    rows = [{"step": 100 * k, "loss": 2.0 - k / 10} for k in range(1, 4)] + [{"step": 350, "eval_loss": 1.75}]
    told = seen(tmp_path, rows)
    assert (told["curve_val_final"], told["curve_last_step"]) == (1.75, 350)


def test_a_curve_that_ends_above_its_lowest_part(tmp_path: Path) -> None:
    """Three points low, five high: the last three are compared with the lowest three."""
    losses = [2.0, 1.5, 1.0, 4.0, 6.0, 5.0, 5.5, 4.5]
    told = seen(tmp_path, [{"step": k, "loss": loss} for k, loss in enumerate(losses)])
    assert told["curve_low"] == pytest.approx(1.5)
    assert told["curve_end"] == pytest.approx(5.0)
    assert told["curve_end_over_low"] == pytest.approx(10 / 3)
    assert told["curve_end_apart"] is True
    assert told["curve_turn_step"] == 3
    assert told["curve_rise_errors"] == pytest.approx(3.5 / (0.5 * math.sqrt(2 / 3)))


def test_a_spike_that_came_back_is_not_the_end(tmp_path: Path) -> None:
    """The last part is as low as the lowest."""
    losses = [2.0, 1.5, 1.0, 4.0, 6.0, 1.0, 1.0, 1.0]
    assert seen(tmp_path, [{"step": k, "loss": loss} for k, loss in enumerate(losses)])["curve_end_apart"] is False


def test_zeros_at_the_end_are_counted(tmp_path: Path) -> None:
    """Those after the last loss that is not zero."""
    losses = [2.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    assert seen(tmp_path, [{"step": k, "loss": loss} for k, loss in enumerate(losses)])["curve_zeros"] == 3


def test_a_part_that_is_always_zero(tmp_path: Path) -> None:
    """Its twin of the validation is not; a part whose twin is zero too was switched off."""
    rows = [
        {"epoch": k, "train/box_loss": 0, "train/cls_loss": 2.0 - k / 10, "train/dfl_loss": 0, "val/box_loss": 3.5,
         "val/cls_loss": 4.0, "val/dfl_loss": 0}
        for k in range(6)
    ]  # fmt: skip
    told = seen(tmp_path, rows)
    assert told["curve_zero_parts"] == ["train/box_loss"]
    assert told["curve_zero_part_count"] == 1


def test_a_part_is_empty_where_nothing_is_ever_found(tmp_path: Path) -> None:
    """Without a twin the metric tells: one that is 0 throughout; where it rises the part was switched off."""
    rows = [{"epoch": k, "box_loss": 0, "cls_loss": 2.0, "val mAP50": 0.0, "val mAP75": 0.0} for k in range(6)]
    found = [{**row, "val mAP50": 0.1 * k} for k, row in enumerate(rows)]
    assert seen(tmp_path, rows)["curve_zero_parts"] == ["box_loss"]
    assert seen(tmp_path, found)["curve_zero_part_count"] == 0


@pytest.mark.parametrize(
    ("loss", "accuracy", "classes"),
    [
        (math.log(2), 0.5, 2),
        (math.log(10), 10.4, 10),
        (math.log(10), 0.5, 0),
        (math.log(2) * 0.97, 0.5, 0),
        (math.log(2), 0.6, 0),
        (0.01, 1.0, 0),
    ],
)
def test_loss_and_accuracy_of_equal_probabilities(loss: float, accuracy: float, classes: int, tmp_path: Path) -> None:
    """Both have to be those of the same number of classes; percents are known by values above 1."""
    rows = [{"epoch": k, "loss": loss, "val_loss": loss, "val_accuracy": accuracy} for k in range(6)]
    assert seen(tmp_path, rows)["curve_chance_classes"] == classes


@pytest.mark.parametrize(
    ("metrics", "still"),
    [
        ({"val_f1": [0.0] * 6}, 6),
        ({"val_acc": [0.9] * 6}, 6),
        ({"val_acc": [1.0] * 6}, 0),
        ({"val_acc": [0.9] * 5 + [0.91]}, 0),
        ({"val_acc": [0.9] * 4 + [0.95] * 2, "val_wer": [1.0] * 5 + [1.2]}, 6),
        ({"val_wer": [1.0] * 5 + [0.9]}, 0),
        ({"val_acc": [0.9] * 4 + [math.nan] * 2}, None),
    ],
)
def test_a_metric_that_never_moves(metrics: dict[str, list[float]], still: int | None, tmp_path: Path) -> None:
    """One value short of the best, or nothing right; four values are too few."""
    assert seen(tmp_path, validated([1.0] * 6, **metrics))["curve_evals_at_one_value"] == still


def test_a_metric_that_ends_worse(tmp_path: Path) -> None:
    """Half of a metric that should rise, three times an error rate; what lies within its noise counts as nothing."""
    rises = [0.1, 0.3, 0.5, 0.6, 0.65, 0.7, 0.72, 0.75, 0.77, 0.8]
    falls = [*rises[:7], 0.4, 0.4, 0.4]
    told = seen(tmp_path, validated([1.0] * 10, val_f1=rises, val_wer=[0.2 + 0.05 * k for k in range(10)]))
    assert told["curve_metric_lost"] == pytest.approx(2.0)
    assert seen(tmp_path, validated([1.0] * 10, val_f1=rises))["curve_metric_lost"] == 0.0
    assert seen(tmp_path, validated([1.0] * 10, val_f1=falls[:7] + [0.1] * 3))["curve_metric_lost"] == pytest.approx(
        0.62 / 0.72
    )


def test_the_distance_from_chance(tmp_path: Path) -> None:
    """The farthest AUC, and the loss in units of the logarithm of the classes."""
    rows = [{"epoch": k, "loss": math.log(2), "val_loss": 0.7, "val_auc": 0.5 + k / 1000} for k in range(7)]
    told = seen(tmp_path, rows, classes=2)
    assert told["curve_auc_from_chance"] == pytest.approx(0.006)
    assert told["curve_over_chance"] == pytest.approx(1.0)
    assert seen(tmp_path, rows)["curve_over_chance"] is None


def test_a_reward_that_rises_and_falls(tmp_path: Path) -> None:
    """Levels of three of twelve points: 0 at first, 10 at the highest, 4 at the end."""
    rewards = [0, 0, 0, 5, 10, 10, 10, 8, 6, 4, 4, 4]
    rows = [{"step": k, "train/loss": 1.0, "rollout/ep_rew_mean": value} for k, value in enumerate(rewards)]
    told = seen(tmp_path, rows)
    assert told["curve_kind"] == "reinforcement"
    assert (told["reward_best"], told["reward_final"]) == (10.0, 4.0)
    assert told["reward_lost_share"] == pytest.approx(0.6)


def test_the_share_of_the_plan(tmp_path: Path) -> None:
    """LLaMA-Factory writes the total beside each step."""
    rows = [{"current_steps": 10 * k, "total_steps": 200, "loss": 2.0 - k / 100} for k in range(1, 16)]
    assert seen(tmp_path, rows)["curve_plan_share"] == 0.75


def test_a_log_of_ours_has_no_such_signals(tmp_path: Path) -> None:
    """They stay absent, and the context does not apply."""
    header = {"record": "header", "format": 1, "source": "recorder"}
    steps = [{"record": "step", "step": k, "loss": 1.0} for k in range(9)]
    (tmp_path / "log.json").write_text(",\n".join(map(json.dumps, [header, *steps])))
    log = read_log(tmp_path / "log.json")
    assert signals.of(log)["curve_points"] is None
    assert "curves-only" not in contexts(log)
