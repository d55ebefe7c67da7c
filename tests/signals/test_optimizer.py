"""Signals of the optimizer's settings and of what they do to the gradient."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_model, make_optimizer, signals_of


def with_optimizer(folder: Path, kind: str = "SGD", layers: Any = (), columns: Any = None, **group: Any) -> Any:
    """Return the signals of a one-matrix model (16 weights) under an optimizer."""
    facts = {
        "models": [make_model(("a", "Linear", 4, 4))],
        "optimizers": [make_optimizer(kind, parameters=[0, 1], **group)],
    }
    return signals_of(folder, columns=columns or {"lr": [0.1] * 10}, layers=layers, **facts)


def test_settings_are_read_off_the_optimizer(tmp_path: Path) -> None:
    """Class, momentum, decay; Adam's own settings are absent for SGD."""
    seen = with_optimizer(tmp_path, momentum=0.9, weight_decay=0.01)
    assert [seen[n] for n in ("optimizer_class", "momentum", "weight_decay", "adaptive")] == ["SGD", 0.9, 0.01, False]
    assert [seen[n] for n in ("adam_beta2", "adam_eps", "adam_step_share", "eps_to_gradient")] == [None] * 4


def test_settings_of_adam(tmp_path: Path) -> None:
    """Beta2 and epsilon; momentum is zero where the optimizer has none."""
    seen = with_optimizer(tmp_path, "Adam", betas=[0.9, 0.999], eps=1e-8)
    assert [seen[n] for n in ("adam_beta2", "adam_eps", "adaptive", "momentum")] == [0.999, 1e-8, True, 0.0]


def test_decay_share_of_sgd_is_decay_over_decay_plus_gradient(tmp_path: Path) -> None:
    """0.1 times a weight norm of 10 against a gradient of 3: one quarter."""
    layers = [{"grad": [3.0, 0.0], "weight": [10.0, 1.0]}] * 5
    assert with_optimizer(tmp_path, layers=layers, weight_decay=0.1)["decay_share"] == pytest.approx(0.25)


def test_decay_share_of_adamw_is_decay_over_update(tmp_path: Path) -> None:
    """Rate 0.1 times decay 0.02 against an update ratio of 0.01: one fifth."""
    layers = [{"update": [0.01, 0.0], "weight": [10.0, 1.0]}] * 5
    assert with_optimizer(tmp_path, "AdamW", layers=layers, weight_decay=0.02)["decay_share"] == pytest.approx(0.2)


def test_without_decay_the_share_is_zero(tmp_path: Path) -> None:
    """Nothing is pulled towards zero."""
    assert with_optimizer(tmp_path, layers=[{"grad": [3.0, 0.0], "weight": [10.0, 1.0]}] * 5)["decay_share"] == 0.0


def test_reach_counts_the_factors_of_e(tmp_path: Path) -> None:
    """Ten steps at rate 0.1 with decay 0.5 are half a factor, with momentum 0.9 five; absent for Adam's mixed decay."""
    assert with_optimizer(tmp_path, weight_decay=0.5)["decay_reach"] == pytest.approx(0.5)
    assert with_optimizer(tmp_path, weight_decay=0.5, momentum=0.9)["decay_reach"] == pytest.approx(5.0)
    assert with_optimizer(tmp_path, "AdamW", weight_decay=0.5)["decay_reach"] == pytest.approx(0.5)
    assert with_optimizer(tmp_path, "Adam", weight_decay=0.5)["decay_reach"] is None


def test_epsilon_over_gradient(tmp_path: Path) -> None:
    """A gradient norm of 4e-8 on 16 weights is an RMS of 1e-8."""
    seen = with_optimizer(tmp_path, "Adam", layers=[{"grad": [4e-8, 0.0]}] * 5, betas=[0.9, 0.999], eps=1e-7)
    assert seen["eps_to_gradient"] == pytest.approx(10.0)


def test_step_share_is_step_rms_over_rate(tmp_path: Path) -> None:
    """An update of 1 % of a norm of 8 on 16 weights is 0.02 an element; the rate is 0.1."""
    seen = with_optimizer(tmp_path, "Adam", layers=[{"update": [0.01, 0.0], "weight": [8.0, 1.0]}] * 5)
    assert seen["adam_step_share"] == pytest.approx(0.2)


def noisy(jumps: list[int], spikes: list[int]) -> dict[str, Any]:
    """Return 400 steps of losses and gradients with jumps of the gradient and spikes of the loss."""
    rng = np.random.default_rng(0)
    loss, norm = 1 + 0.01 * rng.normal(size=400), 1 + 0.05 * rng.normal(size=400)
    norm[jumps] = 20.0
    for spike in spikes:
        loss[spike : spike + 3] += 3.0
    return {"loss": loss, "grad_norm": norm, "lr": [0.1] * 400}


def test_spikes_after_surprising_gradients_are_counted(tmp_path: Path) -> None:
    """Three spikes, two of them four steps after a jump of the gradient."""
    columns = noisy([150, 250], [154, 254, 350])
    assert with_optimizer(tmp_path, "Adam", columns=columns, betas=[0.9, 0.99])["surprise_spikes"] == 2


def test_spikes_without_a_jump_do_not_count(tmp_path: Path) -> None:
    """A bad batch raises the loss without any warning."""
    columns = noisy([], [154, 254, 350])
    assert with_optimizer(tmp_path, "Adam", columns=columns, betas=[0.9, 0.99])["surprise_spikes"] == 0


def test_the_median_batch(tmp_path: Path) -> None:
    """The last batch of an epoch may be smaller."""
    assert signals_of(tmp_path, columns={"batch": [32] * 9 + [7]})["batch_median"] == 32.0
