"""Signals of updates: how far the weights move."""

from pathlib import Path
from typing import Any

import pytest
from builders import make_model, make_optimizer, signals_of


def moving(folder: Path, updates: list[list[float]], weights: list[list[float]] | None = None, **parts: Any) -> Any:
    """Return the signals of a run whose weight matrices move by these ratios, one list a sample (a step)."""
    width = len(updates[0])
    model = make_model(*((f"l{i}", "Linear", 4, 4) for i in range(width)))
    for parameter, rms in zip(model["parameters"][::2], parts.pop("init_rms", [0.1] * width), strict=True):
        parameter["init_rms"] = rms
    layers = [{"update": [value for ratio in sample for value in (ratio, 9.0)]} for sample in updates]
    for layer, norms in zip(layers, weights or [], strict=False):
        layer["weight"] = [value for norm in norms for value in (norm, 1.0)]
    columns = parts.pop("columns", {"lr": [0.1] * parts.pop("steps", len(updates))})
    optimizers = [make_optimizer(parameters=range(2 * width))]
    return signals_of(folder, columns=columns, layers=layers, models=[model], optimizers=optimizers, **parts)


def test_medians_are_over_matrices_then_over_samples(tmp_path: Path) -> None:
    """Biases, here with a ratio of 9, do not count."""
    seen = moving(tmp_path, [[0.1, 0.2, 0.3]] * 3 + [[0.01, 0.02, 0.03]] * 7)
    assert seen["update_ratio_first"] == pytest.approx(0.2)
    assert seen["update_ratio_median"] == pytest.approx(0.02)
    assert seen["update_ratio_max"] == pytest.approx(0.2)
    assert seen["update_ratio_fastest"] == pytest.approx(0.03)
    assert seen["update_ratio_first_layers"] == pytest.approx(0.01)


def test_the_first_ratio_waits_for_the_first_movement(tmp_path: Path) -> None:
    """A first step at rate zero (warm-up) is passed over; a run that never moves has none."""
    assert moving(tmp_path, [[0.0, 0.0], [0.2, 0.4]])["update_ratio_first"] == pytest.approx(0.3)
    assert moving(tmp_path, [[0.0, 0.0]] * 3)["update_ratio_first"] is None


def test_early_is_the_first_tenth_of_the_run(tmp_path: Path) -> None:
    """Of 100 steps sampled one by one, the first ten."""
    assert moving(tmp_path, [[0.5]] * 10 + [[0.001]] * 90)["update_ratio_early"] == pytest.approx(0.5)


@pytest.mark.parametrize("nothing", [0.0, 1.4e-5])
def test_weights_that_start_at_zero_have_no_ratio(tmp_path: Path, nothing: float) -> None:
    """Their first step is infinitely large relative to nothing; an adapter may be first seen some steps later."""
    seen = moving(tmp_path, [[1e12, 0.1]] * 5, init_rms=[nothing, 0.1])
    assert seen["update_ratio_first"] == pytest.approx(0.1)
    assert seen["weight_travel"] == pytest.approx(0.5)


@pytest.mark.parametrize(("size", "ratio"), [(1e-6, 0.1), (1e-3, 1.0)])
def test_neither_have_those_that_start_next_to_zero(tmp_path: Path, size: float, ratio: float) -> None:
    """As the class token of a vision transformer; a matrix that is scaled down with the depth has one."""
    seen = moving(tmp_path, [[1.0, 0.1, 0.1]] * 5, init_rms=[size, 0.02, 0.02])
    assert seen["update_ratio_fastest"] == pytest.approx(ratio)


def test_travel_sums_the_fastest_ratio_over_all_steps(tmp_path: Path) -> None:
    """A hundred steps at 0.01 are a path of one, also where only the first twenty were sampled."""
    assert moving(tmp_path, [[0.01, 0.002]] * 20, steps=100)["weight_travel"] == pytest.approx(1.0)


def test_travel_shrinks_with_the_learning_rate(tmp_path: Path) -> None:
    """When the rate is zero after ten of a hundred steps the path ends there."""
    columns = {"lr": [0.1] * 10 + [0.0] * 90}
    assert moving(tmp_path, [[0.01]] * 5, columns=columns)["weight_travel"] == pytest.approx(0.1)


def test_weights_that_never_move_have_no_path(tmp_path: Path) -> None:
    """A ratio of exactly zero is another fault than a small one."""
    assert moving(tmp_path, [[0.0]] * 5)["weight_travel"] is None


def test_shrink_and_growth_are_relative_to_the_first_norm(tmp_path: Path) -> None:
    """Norms that go from 2 over 6 to 1, and from 4 over 4 to 1."""
    seen = moving(tmp_path, [[0.1, 0.1]] * 3, [[2.0, 4.0], [6.0, 4.0], [1.0, 1.0]])
    assert seen["weight_shrink"] == pytest.approx(0.375)
    assert seen["weight_growth"] == pytest.approx(3.0)


def test_onset_of_large_updates(tmp_path: Path) -> None:
    """The first sample whose median ratio is above a tenth."""
    assert moving(tmp_path, [[0.01]] * 4 + [[0.5]] * 4)["large_update_onset"] == 4
    assert moving(tmp_path, [[0.01]] * 4)["large_update_onset"] is None


def test_a_matrix_that_starts_at_zero_has_no_growth(tmp_path: Path) -> None:
    """The outer matrix of an adapter grows from nothing; the other goes from 4 to 6."""
    seen = moving(tmp_path, [[0.1, 0.1]] * 3, [[0.001, 4.0], [2.0, 5.0], [6.0, 6.0]], init_rms=[0.0, 0.1])
    assert seen["weight_growth"] == pytest.approx(1.5)
