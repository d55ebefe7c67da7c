"""A metric that still gets better while the validation loss rises outranks the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log, make_loss, signals_of

from trainadvisor.document import diagnose

if TYPE_CHECKING:
    from pathlib import Path

LOSSES = [1.0, 0.8, 0.6, 0.5, 0.62, 0.7, 0.81, 0.9, 1.02, 1.1]
RISING = [0.5, 0.6, 0.7, 0.74, 0.77, 0.8, 0.82, 0.85, 0.87, 0.9]
FLAT = [0.5, 0.6, 0.7, 0.74, 0.73, 0.75, 0.73, 0.74, 0.73, 0.74]
TARGET = {"histogram": [500, 500], "classes": 2, "shape": [32]}


def _log(**metrics: list[float]) -> dict[str, Any]:
    evals = [
        {
            "step": 40 * (i + 1),
            "loss": loss,
            "examples": 400,
            "mode": "eval",
            "metrics": {n: m[i] for n, m in metrics.items()},
        }
        for i, loss in enumerate(LOSSES)
    ]
    train = [0.7 - 0.6 * step / 400 for step in range(400)]
    columns = {"loss": train, "loss_id": 0, "lr": 0.1}
    return {"losses": [make_loss(target=TARGET)], "columns": columns, "evals": evals}


def test_a_metric_is_told_at_the_lowest_loss_and_at_the_end(tmp_path: Path) -> None:
    """The script's own figures, and the gain in units of their noise."""
    seen = signals_of(tmp_path, **_log(f1=RISING))
    assert (seen["task_metric"], seen["metric_at_best_loss"], seen["metric_final"]) == ("f1", 0.74, 0.9)
    assert seen["metric_gain_z"] > 5
    assert signals_of(tmp_path, **_log(f1=FLAT))["metric_gain_z"] < 3


def test_an_error_rate_is_better_when_it_falls(tmp_path: Path) -> None:
    """The word error rate of speech recognition."""
    assert signals_of(tmp_path, **_log(wer=[1 - v for v in RISING]))["metric_gain_z"] > 5
    assert signals_of(tmp_path, **_log(wer=RISING))["metric_gain_z"] < -5


def test_what_says_the_same_as_the_loss_is_no_metric(tmp_path: Path) -> None:
    """The share of explained variance; and no metric at all."""
    assert signals_of(tmp_path, **_log(r2=RISING))["task_metric"] is None
    assert signals_of(tmp_path, **_log())["metric_gain_z"] is None


@pytest.mark.parametrize(("metric", "told"), [(RISING, "f1 still got better"), (FLAT, "has risen to 1.1 since, while")])
def test_a_rising_loss_beside_a_rising_metric_is_said_exactly(tmp_path: Path, metric: list[float], told: str) -> None:
    """The weights of the lowest loss are advised only where the metric does not get better after them."""
    (finding,) = [f for f in diagnose(build_log(tmp_path, **_log(f1=metric))).findings if f.code == "overfitting"]
    text = repr(finding)
    assert told in text
    assert ("Keep the weights of the best evaluation" in text) is (metric is FLAT)


@pytest.mark.parametrize(
    ("dice", "share", "gain"), [(0.96, 0.25, 0.9333), (0.4, 0.25, 0.0), (96.0, 0.25, None), (0.96, None, None)]
)
def test_an_overlap_is_measured_by_marking_every_pixel(
    dice: float, share: float | None, gain: float | None, tmp_path: Path
) -> None:
    """Which gets 0.4 where a quarter is marked; a figure in percent and masks that were not seen say nothing."""
    target = {"mean": share, "integer": True, "shape": [8, 1, 24, 24]}
    log = _log(dice=[dice] * len(LOSSES)) | {"losses": [make_loss("binary_cross_entropy_with_logits", target=target)]}
    assert signals_of(tmp_path, **log)["dice_gain"] == (pytest.approx(gain, abs=1e-4) if gain is not None else None)
