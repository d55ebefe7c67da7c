"""Signals of how often a schedule was stepped and for how many steps it was made."""

from pathlib import Path
from typing import Any

import pytest
from builders import event, signals_of


def _seen(tmp_path: Path, kind: str, facts: dict[str, Any], calls: int, **more: Any) -> Any:
    scheduler = {"id": 0, "class": kind, "optimizer": 0, "facts": facts}
    tally = event("tally", {"scheduler_steps": {"0": calls}, "step": 60, "backward": 120})
    epochs = [step // 10 for step in range(60)]
    return signals_of(tmp_path, columns={"epoch": epochs}, events=[tally], schedulers=[scheduler], **more)


def test_a_length_in_epochs_that_is_stepped_for_each_batch(tmp_path: Path) -> None:
    """Six passes, sixty steps."""
    seen = _seen(tmp_path, "CosineAnnealingLR", {"T_max": 6}, 60)
    assert (seen["schedule_length"], seen["schedule_steps"]) == (6, 60)
    assert (seen["schedule_ratio"], seen["schedule_unit"]) == (10.0, "epochs")


def test_lengths_in_steps_and_in_micro_batches(tmp_path: Path) -> None:
    """Each class has a name of its own for its length."""
    assert _seen(tmp_path, "OneCycleLR", {"total_steps": 60}, 6)["schedule_unit"] == "steps"
    assert _seen(tmp_path, "OneCycleLR", {"total_steps": 60}, 6)["schedule_ratio"] == 0.1
    assert _seen(tmp_path, "PolynomialLR", {"total_iters": 120}, 60)["schedule_unit"] == "micro-batches"


def test_a_length_that_fits_nothing_has_no_unit(tmp_path: Path) -> None:
    """The run ended early, or the schedule goes up and down on purpose."""
    seen = _seen(tmp_path, "CosineAnnealingLR", {"T_max": 25}, 60)
    assert (seen["schedule_ratio"], seen["schedule_unit"]) == (2.4, None)


def test_schedules_without_a_length_are_left_out(tmp_path: Path) -> None:
    """A step schedule has a period, not an end."""
    seen = _seen(tmp_path, "StepLR", {"step_size": 6}, 60)
    assert (seen["schedule_length"], seen["schedule_steps"]) == (0, None)


def test_evaluations_stand_for_epochs_without_a_loader(tmp_path: Path) -> None:
    """Four evaluations, a length of four."""
    scheduler = {"id": 0, "class": "CosineAnnealingLR", "optimizer": 0, "facts": {"T_max": 4}}
    tally = event("tally", {"scheduler_steps": {"0": 60}, "step": 60, "backward": 60})
    evals = [{"step": step, "split": "validation", "loss": 1.0} for step in (15, 30, 45, 60)]
    seen = signals_of(tmp_path, steps=60, events=[tally], schedulers=[scheduler], evals=evals)
    assert seen["schedule_unit"] == "epochs"


def test_a_schedule_without_a_length_that_is_stepped_for_each_micro_batch(tmp_path: Path) -> None:
    """As many steps an update as there are micro-batches; another number, or one that is made for cycles, is not."""

    def ratio(kind: str, calls: int, parts: int) -> Any:
        scheduler = {"id": 0, "class": kind, "optimizer": 0, "facts": {}}
        tally = event("tally", {"scheduler_steps": {"0": calls}, "step": 60, "accumulation": parts})
        return signals_of(tmp_path, steps=60, events=[tally], schedulers=[scheduler])["steps_per_update"]

    assert ratio("LambdaLR", 240, 4) == 4.0
    assert ratio("LambdaLR", 60, 4) == 1.0
    assert ratio("LambdaLR", 60, 1) == 1.0
    assert ratio("CyclicLR", 240, 4) == 1.0


def test_a_rate_that_comes_back_after_its_end(tmp_path: Path) -> None:
    """Smoothly, as a cosine does that is followed past its length; a restart leaps, a decay stays down."""

    def regained(rates: list[float]) -> Any:
        return signals_of(tmp_path, steps=len(rates), columns={"lr": rates})["lr_regained"]

    down = [1 - n / 20 for n in range(21)]
    assert regained([*down, *(0.05 * n for n in range(1, 13))]) == pytest.approx(0.6)
    assert regained([*down, 1.0, 0.9]) == 0.0
    assert regained(down) == 0.0


def test_an_epoch_s_last_update_may_have_fewer_micro_batches(tmp_path: Path) -> None:
    """What counts is how many there are on average."""
    scheduler = {"id": 0, "class": "LambdaLR", "optimizer": 0, "facts": {}}
    tally = event("tally", {"scheduler_steps": {"0": 238}, "step": 60, "accumulation": 3})
    micro = {"micro": [*[4] * 29, 3, *[4] * 29, 3]}
    seen = signals_of(tmp_path, steps=60, events=[tally], schedulers=[scheduler], columns=micro)
    assert seen["steps_per_update"] == pytest.approx(238 / 60)
