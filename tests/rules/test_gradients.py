"""The rules on vanishing and exploding gradients: each finds its fault in a synthetic run and spares the sound twin."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layered import H0, STEPS, Run, stuck

from trainadvisor.judge import rule_loading


@pytest.fixture(scope="module")
def book() -> Any:
    """The shipped rules."""
    return rule_loading.load()


def deep(factor: float, activation: str = "sigmoid") -> Run:
    """Return a stuck run of eight layers that each pass on a factor of the gradient."""
    run = Run(depth=8, activation=activation)
    run.grad = [0.5 * factor ** (7 - i) for i in range(8)]
    run.update = [0.005 * factor ** (7 - i) for i in range(8)]
    run.loss = stuck()
    return run


def test_gradients_that_vanish_in_a_deep_net(tmp_path: Path, book: Any) -> None:
    """A seventh a layer over eight layers, and nothing learned; the small steps are not blamed on the rate."""
    assert deep(1 / 7).found(tmp_path, book) == {"vanishing-gradients": "error"}


def test_gradients_that_keep_their_size_do_not_vanish(tmp_path: Path, book: Any) -> None:
    """A run can be stuck for other reasons."""
    assert deep(0.9).found(tmp_path, book) == {}


def test_a_deep_net_that_learns_is_fine(tmp_path: Path, book: Any) -> None:
    """Adam and patience may overcome the ratio."""
    run = deep(1 / 7)
    run.loss = Run().loss
    assert run.found(tmp_path, book) == {}


def test_three_layers_are_not_deep(tmp_path: Path, book: Any) -> None:
    """The same ratio in three matrices has other causes."""
    run = Run(depth=3)
    run.grad, run.loss = [5e-6, 1e-3, 0.5], stuck()
    assert "vanishing-gradients" not in run.found(tmp_path, book)


def test_gradients_of_exactly_zero_do_not_vanish(tmp_path: Path, book: Any) -> None:
    """They never were there: zero-gradients says so."""
    run = deep(1.0)
    run.grad = [0.0] * 4 + [0.5] * 4
    assert "vanishing-gradients" not in run.found(tmp_path, book)


def test_a_gradient_norm_that_takes_off(tmp_path: Path, book: Any) -> None:
    """From one to a thousand, with a loss that rises above its start."""
    run = Run()
    run.columns["grad_norm"] = np.geomspace(1, 1000, STEPS)
    run.loss = np.geomspace(H0, 50, STEPS)
    assert run.found(tmp_path, book)["exploding-gradients"] == "error"


def test_a_gradient_that_dwarfs_the_weights_before_the_first_step(tmp_path: Path, book: Any) -> None:
    """An unrolled net whose loss is NaN at the second step: not the rate, although the step is enormous."""
    run = Run()
    run.grad, run.update = [1e7] * 3, [1e5] * 3
    run.loss = [90.0, *[float("nan")] * (STEPS - 1)]
    found = run.found(tmp_path, book)
    assert "exploding-gradients" in found
    assert "lr-too-high" not in found


def test_a_single_burst_that_ends_in_nan(tmp_path: Path, book: Any) -> None:
    """A recurrent net that is fine for a while: ordinary norms, a few enormous ones, NaN."""
    run = Run()
    norms = np.ones(STEPS)
    norms[20:30] = 1e5
    run.columns["grad_norm"] = norms
    run.loss = np.where(np.arange(STEPS) < 28, H0, np.nan)
    assert "exploding-gradients" in run.found(tmp_path, book)


@pytest.mark.parametrize("norms", [np.geomspace(1, 1000, STEPS), np.full(STEPS, 1e4)], ids=["growing", "large"])
def test_large_gradients_without_harm_are_fine(tmp_path: Path, book: Any, norms: Any) -> None:
    """Summed losses and runs that start to move."""
    run = Run()
    run.columns["grad_norm"] = norms
    assert run.found(tmp_path, book) == {}
