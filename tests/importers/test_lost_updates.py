"""A training of another tool whose steps move nothing: gradients NaN to the end, a rate of 0; and what looks alike."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor import telling
from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis

POINTS, EVERY = 40, 10


def flat(place: int) -> float:
    """A loss that stays where it began."""
    return 2.3 + random.Random(place).gauss(0, 0.02)  # noqa: S311 - noise is no secret


def falling(place: int) -> float:
    """A loss of a training that learns."""
    return 0.4 + 1.9 * math.exp(-place / 12) + random.Random(place).gauss(0, 0.02)  # noqa: S311 - noise is no secret


def state(folder: Path, loss: Callable[[int], float], **columns: Callable[[int], float]) -> Path:
    """Write a trainer_state.json."""
    rows: list[dict[str, Any]] = [
        {"step": EVERY * (place + 1), "epoch": place / 10, "loss": loss(place)}
        | {name: value(place) for name, value in columns.items()}
        for place in range(POINTS)
    ]
    path = folder / "trainer_state.json"
    told = {"log_history": rows, "max_steps": POINTS * EVERY, "global_step": POINTS * EVERY, "logging_steps": EVERY}
    path.write_text(json.dumps(told))
    return path


def rate(place: int) -> float:
    """A linear decay to 0."""
    return 5e-5 * (1 - (place + 1) / POINTS)


def found(path: Path) -> dict[str, Any]:
    """The findings about a log by their codes."""
    told: Diagnosis = telling.diagnose(read_log(path))
    return {finding.code: finding for finding in told.findings}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_gradients_that_are_not_finite_to_the_end_are_told(value: float, tmp_path: Path) -> None:
    """With the step from which on they are, where the loss is finite and flat."""
    codes = found(state(tmp_path, flat, learning_rate=rate, grad_norm=lambda place: 1.5 if place < 12 else value))
    assert "nonfinite-gradients" in codes
    assert "From step 130 on" in codes["nonfinite-gradients"].sentence
    assert "at all 28 points" in codes["nonfinite-gradients"].sentence


def test_gradients_that_never_were_finite_are_told(tmp_path: Path) -> None:
    """Each step was skipped."""
    assert "nonfinite-gradients" in found(state(tmp_path, flat, learning_rate=rate, grad_norm=lambda _: math.nan))


@pytest.mark.parametrize(
    ("loss", "norm"),
    [
        (falling, lambda place: math.nan if place == 0 else 1.5),
        (falling, lambda place: math.inf if place in (0, 1, 2, 3, 17, 18) else 1.5),
        (flat, lambda place: math.inf if place in (5, 20, 36, 37) else 1.5),
        (flat, lambda place: math.nan if place > POINTS - 4 else 1.5),
        (falling, lambda _: math.nan),
    ],
    ids=["first step", "a scaler's search", "now and then", "few at the end", "not measured"],
)
def test_steps_that_a_scaler_skips_are_normal(loss: Any, norm: Any, tmp_path: Path) -> None:
    """At the start, now and then, a few at the end; and a norm that its writer cannot measure, while the loss falls."""
    assert "nonfinite-gradients" not in found(state(tmp_path, loss, learning_rate=rate, grad_norm=norm))


def test_a_rate_of_zero_with_a_flat_loss_is_told(tmp_path: Path) -> None:
    """As a scheduler makes it whose warm-up never ends."""
    assert "learning-rate-zero" in found(state(tmp_path, flat, learning_rate=lambda _: 0.0, grad_norm=lambda _: 1.5))


@pytest.mark.parametrize(
    ("loss", "lr"),
    [
        (falling, rate),
        (flat, lambda place: 1e-4 * place / POINTS),
        (falling, lambda _: 0.0),
        (flat, lambda _: 1e-9),
    ],
    ids=["ends at 0", "begins at 0", "never written", "tiny"],
)
def test_rates_that_are_zero_for_a_reason_are_no_fault(loss: Any, lr: Any, tmp_path: Path) -> None:
    """A schedule that ends there or begins there, a column that was never filled while the loss falls."""
    assert "learning-rate-zero" not in found(state(tmp_path, loss, learning_rate=lr, grad_norm=lambda _: 1.5))


def test_a_rate_that_is_printed_with_four_digits_may_be_another(tmp_path: Path) -> None:
    """A rate of 1e-5 is printed as 0.0000."""
    path = tmp_path / "train.log"
    path.write_text("".join(f"step {place}: loss {flat(place):.4f}, lr 0.0000\n" for place in range(POINTS)))
    assert "learning-rate-zero" not in found(path)


def test_a_rate_in_a_dictionary_that_python_printed_is_what_it_says(tmp_path: Path) -> None:
    """As transformers prints its log: 2e-05 would be printed so."""
    path = tmp_path / "train.log"
    rows = [{"loss": round(flat(place), 4), "learning_rate": 0.0, "epoch": place / 50} for place in range(POINTS)]
    path.write_text("\n".join(map(str, rows)))
    assert "learning-rate-zero" in found(path)


def test_a_rate_among_figures_of_five_digits_may_be_another(tmp_path: Path) -> None:
    """The JSON of mmcv rounds whatever it writes, 1e-6 to 0.0."""
    rows = [
        {"mode": "train", "epoch": 1, "iter": 50 * place, "lr": 0.0, "loss": round(flat(place), 5), "time": 0.5}
        for place in range(1, POINTS)
    ]
    (tmp_path / "log").write_text("\n".join(map(json.dumps, rows)))
    assert "learning-rate-zero" not in found(tmp_path / "log")
    rows[7]["loss"] = 2.31234567891
    (tmp_path / "log").write_text("\n".join(map(json.dumps, rows)))
    assert "learning-rate-zero" in found(tmp_path / "log")


def test_a_short_log_of_zero_rates_says_nothing(tmp_path: Path) -> None:
    """A warm-up has perhaps not begun, and three losses show no level."""
    rows = [{"step": step, "loss": flat(step), "lr": 0.0} for step in range(4)]
    (tmp_path / "log").write_text("\n".join(map(json.dumps, rows)))
    assert "learning-rate-zero" not in found(tmp_path / "log")
