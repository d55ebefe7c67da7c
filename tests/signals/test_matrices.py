"""Helpers that pick weight matrices and samples."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import event, log_of, make_model, make_optimizer

from trainadvisor.signals.matrices import (
    aligned,
    early,
    even,
    late,
    matrices,
    per_element,
    per_layer_factor,
    row_medians,
)

LAYERS = (("a", "Linear", 4, 8), ("b", "Linear", 8, 8), ("c", "Linear", 8, 2))


def run(folder: Path, layers: list[dict[str, Any]], steps: int = 100, **model: Any) -> Any:
    """Return the log of a three-layer model with these layer samples."""
    facts = {"models": [make_model(*LAYERS, **model)], "optimizers": [make_optimizer(parameters=range(6))]}
    return log_of(folder, steps=steps, layers=layers, **facts)


def test_biases_are_no_matrices(tmp_path: Path) -> None:
    """Of weight, bias, weight, bias, weight, bias the weights are rows 0, 2 and 4."""
    assert matrices(run(tmp_path, [])) == [0, 2, 4]


def test_matrices_come_in_the_order_of_the_forward_pass(tmp_path: Path) -> None:
    """A model that registers its layers backwards is read in the order its activations were seen."""
    rows = [{"name": name, "kind": "linear", "layer": name} for name in ("c", "a", "b")]
    facts = {"models": [make_model(*LAYERS)], "optimizers": [make_optimizer(parameters=range(6))]}
    log = log_of(tmp_path, steps=9, layers=[{"table": 0, "act_rms": [1, 1, 1]}],
                 events=[event("table", {"id": 0, "model": 0, "rows": rows})], **facts)  # fmt: skip
    assert matrices(log) == [4, 0, 2]


def test_frozen_and_embedding_weights_do_not_count(tmp_path: Path) -> None:
    """Only trainable parameters with the role of a weight are matrices."""
    model = make_model(*LAYERS)
    model["parameters"][0]["trainable"] = False
    model["parameters"][2]["role"] = "embedding"
    log = log_of(tmp_path, steps=9, models=[model], optimizers=[make_optimizer(parameters=range(6))])
    assert matrices(log) == [4]


def test_norms_are_divided_by_the_root_of_the_count(tmp_path: Path) -> None:
    """Matrices of 32, 64 and 16 elements with norm sqrt(count) have an RMS of one."""
    grad = [32**0.5, 0, 8, 0, 4, 0]
    assert per_element(run(tmp_path, [{"grad": grad}]), "grad")[0] == pytest.approx([1, 1, 1])


def test_even_samples_thin_out_the_dense_start() -> None:
    """Every step up to 9 and then every tenth: one sample in ten steps remains."""
    steps = np.array([*range(10), *range(10, 100, 10)], dtype=np.int64)
    assert steps[even(steps)].tolist() == list(range(0, 100, 10))


def test_early_and_late_samples_are_those_of_the_run(tmp_path: Path) -> None:
    """Of 100 steps sampled every tenth, the first five and those from step 75 on."""
    log = run(tmp_path, [])
    steps = np.arange(0, 100, 10, dtype=np.int64)
    assert steps[early(log, steps)].tolist() == [0, 10, 20, 30, 40]
    assert steps[late(log, steps)].tolist() == [70, 80, 90]


def test_columns_sampled_at_different_steps_are_aligned(tmp_path: Path) -> None:
    """Gradients at every sample, weights at every second: pairs exist at the second ones."""
    layers = [{"grad": [float(i)] * 6, **({"weight": [10.0 + i] * 6} if i % 2 == 0 else {})} for i in range(6)]
    steps, gradient, weight = aligned(run(tmp_path, layers), "grad", "weight")
    assert steps.tolist() == [0, 2, 4]
    assert gradient[:, 0].tolist() == [0.0, 2.0, 4.0]
    assert weight[:, 0].tolist() == [10.0, 12.0, 14.0]


def test_factor_per_layer_is_that_of_a_geometric_series() -> None:
    """1, 1/2, 1/4, 1/8 has the factor one half; zeros and nan are left out, two layers say nothing."""
    assert per_layer_factor(np.array([1, 0.5, 0.25, 0.125])) == pytest.approx(0.5)
    assert per_layer_factor(np.array([1, np.nan, 0.25, 0.0, 0.0625])) == pytest.approx(0.5)
    assert per_layer_factor(np.array([1.0, 0.5])) is None


def test_medians_of_rows_leave_out_what_is_not_known() -> None:
    """As numpy's do; a row without a known value has none."""
    rows = np.array([[3.0, 1.0, 2.0, 8.0], [np.nan, 4.0, 1.0, 2.0], [np.nan, np.nan, 7.0, 1.0], [np.nan] * 4])
    assert np.array_equal(row_medians(rows), [2.5, 2.0, 4.0, np.nan], equal_nan=True)
    assert row_medians(np.empty((0, 3))).shape == (0,)
    assert np.isnan(row_medians(np.empty((2, 0)))).all()
