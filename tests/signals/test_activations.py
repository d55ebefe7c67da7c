"""Signals of activations: dead and saturated units, and the signal through depth."""

from pathlib import Path
from typing import Any

import pytest
from builders import event, make_model, make_optimizer, signals_of

RELU = (
    ("a", "linear", "a"),
    ("a.relu", "relu", "a"),
    ("b", "linear", "b"),
    ("b.relu", "relu", "b"),
    ("c", "linear", "c"),
)
TANH = (("a", "linear", "a"), ("a.tanh", "tanh", "a"), ("b", "linear", "b"), ("b.sigmoid", "sigmoid", "b"))


def seen_through(
    folder: Path, rows: tuple[tuple[str, str, str], ...], samples: list[dict[str, list[Any]]], steps: int = 100
) -> Any:
    """Return the signals of a run whose activation table has these rows, one dict of columns a sample."""
    table = {"id": 0, "model": 0, "rows": [{"name": n, "kind": k, "layer": layer, "units": 8} for n, k, layer in rows]}
    model = make_model(("a", "Linear", 4, 8), ("b", "Linear", 8, 8), ("c", "Linear", 8, 2))
    layers = [{"step": i * steps // len(samples), "table": 0, **sample} for i, sample in enumerate(samples)]
    return signals_of(folder, steps=steps, layers=layers, events=[event("table", table)], models=[model],
                      optimizers=[make_optimizer(parameters=range(6))])  # fmt: skip


def test_dead_units_are_those_of_relu_layers_late_in_the_run(tmp_path: Path) -> None:
    """Alive at first; at the end three quarters of the first and none of the second layer are dead."""
    early, late = {"act_dead": [1, 0, 1, 0, 1]}, {"act_dead": [1, 0.75, 1, 0.25, 1]}
    seen = seen_through(tmp_path, RELU, [early] * 15 + [late] * 5)
    assert seen["dead_unit_share"] == pytest.approx(0.5)
    assert seen["dead_unit_share_worst"] == pytest.approx(0.75)
    assert seen["dead_layers"] == ["a.relu"]
    assert seen["dead_onset"] == 75


def test_without_relu_nobody_is_dead(tmp_path: Path) -> None:
    """Tanh units of exactly zero are no fault that these signals know: none is dead."""
    seen = seen_through(tmp_path, TANH, [{"act_dead": [1, 1, 1, 1]}] * 9)
    assert [seen[n] for n in ("dead_unit_share", "dead_unit_share_worst", "dead_layers", "dead_onset")] == [
        0.0,
        0.0,
        None,
        None,
    ]


def test_units_not_yet_seen_on_enough_examples_are_unknown(tmp_path: Path) -> None:
    """The recorder writes null until it saw 256 examples."""
    assert seen_through(tmp_path, RELU, [{"act_dead": [None] * 5}] * 9)["dead_unit_share"] is None


def test_saturation_counts_hidden_layers_only(tmp_path: Path) -> None:
    """The last sigmoid is the output: it may saturate."""
    seen = seen_through(
        tmp_path, TANH, [{"act_saturated": [0, 0.1, 0, 1.0]}] + [{"act_saturated": [0, 0.6, 0, 1.0]}] * 9
    )
    assert seen["saturated_share"] == pytest.approx(0.6)
    assert seen["saturated_share_worst"] == pytest.approx(0.6)
    assert seen["saturated_share_first"] == pytest.approx(0.1)
    assert seen["saturated_layers"] == ["a.tanh"]


def test_gain_is_the_factor_of_the_spread_between_layers(tmp_path: Path) -> None:
    """Spreads of 1, 0.4, 0.16 behind the linear layers: 0.4 a layer, 0.16 in all, from the first sample."""
    first, later = {"act_spread": [1, 9, 0.4, 9, 0.16]}, {"act_spread": [1, 9, 1, 9, 1]}
    seen = seen_through(tmp_path, RELU, [first, later, later])
    assert seen["act_gain_per_layer"] == pytest.approx(0.4)
    assert seen["act_depth_ratio"] == pytest.approx(0.16)


def test_growth_is_the_height_over_the_start(tmp_path: Path) -> None:
    """One layer grows from 2 to 400, with its onset where it passes ten times the first value."""
    samples = [{"act_rms": [1, 1, 2, 1, 1], "act_max": [3] * 5}] * 5 + [
        {"act_rms": [1, 1, 400, 1, 1], "act_max": [900] * 5}
    ] * 5
    seen = seen_through(tmp_path, RELU, samples)
    assert seen["act_growth"] == pytest.approx(200.0)
    assert seen["act_peak"] == 900.0
    assert seen["act_growth_onset"] == 50


def test_infinite_activations_are_left_out(tmp_path: Path) -> None:
    """A signal is finite: the peak is the largest finite value."""
    assert seen_through(tmp_path, RELU, [{"act_max": [3, 5, float("inf"), 1, 1]}] * 3)["act_peak"] == 5.0


def test_the_usual_activation_of_the_hidden_layers(tmp_path: Path) -> None:
    """The output's own activation does not count; a linear stack has none."""
    assert seen_through(tmp_path, RELU, [{"act_rms": [1] * 5}])["hidden_activation"] == "relu"
    assert seen_through(tmp_path, TANH, [{"act_rms": [1] * 4}])["hidden_activation"] == "tanh"
    assert seen_through(tmp_path, RELU[::2], [{"act_rms": [1] * 3}])["hidden_activation"] == "none"
