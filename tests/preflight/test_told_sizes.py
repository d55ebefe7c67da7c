"""What a preflight says of memory and time, each sentence by figures that are given."""

from __future__ import annotations

from typing import Any

import pytest

from trainadvisor.preflight import whole_run

FIGURES: dict[str, Any] = {
    "batch": 16, "planned_batch": 64, "planned_peak_mb": 512.4, "planned_step_seconds": 0.25,
    "planned_epoch_steps": 100, "epochs": 3, "epoch_seconds": 25.0, "example_mb": 0.5, "largest_batch": 4096,
}  # fmt: skip
LARGEST = "each example takes 0.5 MB: a batch of 4,096 still fits"
UNPLANNED = (
    "what a batch of 64 takes could not be measured: no loader of the training takes another batch size, "
    "or no time was left"
)
PLANNED = "with a batch of 64: 512 MB"
EPOCH = "250 ms a step without recording, 25.0 s an epoch of 100 steps"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"planned_batch": None}, LARGEST),
        ({"planned_batch": 16}, LARGEST),
        ({"planned_batch": None, "largest_batch": None}, ""),
        ({"planned_peak_mb": None}, UNPLANNED),
        ({"planned_step_seconds": None}, PLANNED),
        ({}, f"{PLANNED}; {EPOCH}"),
        ({"run_seconds": 75.0}, f"{PLANNED}; {EPOCH}, 1.2 min for all 3 epochs"),
    ],
)
def test_the_planned_batch(changed: dict[str, Any], told: str) -> None:
    """What it takes; without one, or where it is that of the script, which one still fits."""
    assert whole_run._planned(FIGURES | changed, "en") == told


def test_without_an_epoch_the_planned_batch_has_no_time() -> None:
    """The length of a pass is not known."""
    figures = {name: value for name, value in FIGURES.items() if name != "epoch_seconds"}
    assert whole_run._planned(figures, "en") == PLANNED


STEP = {"step_seconds": 0.1, "planned_batch": None, "epoch_steps": 100, "epochs": 3}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"step_seconds": None}, ""),
        ({}, "100 ms a step without recording"),
        ({"epoch_seconds": 10.0}, "100 ms a step without recording, 10.0 s an epoch of 100 steps"),
        (
            {"epoch_seconds": 7200.0, "run_seconds": 172800.0},
            "100 ms a step without recording, 2.0 h an epoch of 100 steps, 2.0 d for all 3 epochs",
        ),
        ({"epoch_seconds": 10.0, "planned_batch": 64}, "100 ms a step without recording"),
    ],
)
def test_the_time(changed: dict[str, Any], told: str) -> None:
    """Of a step, an epoch and the run, as far as they are known; where a batch is planned, of a step."""
    assert whole_run._time(STEP | changed, "en") == told


@pytest.mark.parametrize(
    ("peak", "optimizer", "told"),
    [
        (None, 4.0, ""),
        (1234.0, 4.0, "at most 1,234 MB, 7 MB of it parameters, gradients and the optimizer's states"),
        (1234.0, None, "at most 1,234 MB, 3 MB of it parameters, gradients and the optimizer's states"),
    ],
)
def test_the_memory(peak: float | None, optimizer: float | None, told: str) -> None:
    """With what the parameters take of it; states of an optimizer that is not known are left out."""
    figures = {"peak_mb": peak, "parameters_mb": 1.0, "gradients_mb": 2.0, "optimizer_mb": optimizer}
    assert whole_run._memory(figures, "en") == told


@pytest.mark.parametrize(
    ("step", "data", "told", "slowest", "least"),
    [
        (0.1, 0.075, "loading data is the slowest part (75 %): 75 ms a step at best, however fast the model computes",
         "data", 0.075),
        (0.1, 0.2, "", "data", 0.1),
        (0.1, 0.025, "computing is the slowest part (75 %): 75 ms a step at best, with data loaded beside it",
         "compute", 0.075),
        (0.1, 0.014, "", "compute", 0.086),
        (0.1, None, "", None, None),
        (None, 0.1, "", None, None),
        (0.0, 0.0, "", None, None),
    ],
)  # fmt: skip
def test_the_slowest_part(
    step: float | None, data: float | None, told: str, slowest: str | None, least: float | None
) -> None:
    """It is noted always, and told where the other one takes its share of the step as well."""
    figures: dict[str, Any] = {"step_seconds": step, "data_seconds": data}
    assert whole_run._slowest(figures, "en") == told
    assert (figures.get("slowest"), figures.get("least_step_seconds")) == (slowest, pytest.approx(least))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, ""), (0.25, "0.2 s"), (59.0, "59.0 s"), (60.0, "1.0 min"), (3600.0, "1.0 h"), (86400.0, "1.0 d")],
)
def test_a_time_has_the_unit_of_its_size(seconds: float | None, told: str) -> None:
    """Seconds below a minute."""
    assert whole_run._spell(seconds, "en") == told


def test_a_time_in_chinese() -> None:
    """With its own words."""
    assert whole_run._spell(7200.0, "zh") == "2.0 小时"
