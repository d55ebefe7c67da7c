"""Signals of how the model was made."""

from pathlib import Path
from typing import Any

import pytest
from builders import make_model, make_optimizer, signals_of

SIZES = ((16, 64), (64, 64), (64, 4))


def made(folder: Path, stds: list[float], extra: tuple[Any, ...] = (), **facts: Any) -> Any:
    """Return the signals of a three-layer model whose weights start with these standard deviations."""
    model = make_model(*((f"l{i}", "Linear", *size) for i, size in enumerate(SIZES)), *extra)
    for parameter, std in zip(model["parameters"][::2], stds, strict=True):
        parameter.update(init_std=std, init_rms=max(std, facts.get("mean", 0.0)), loaded=facts.get("loaded", False))
    return signals_of(folder, steps=5, models=[model], optimizers=[make_optimizer(parameters=range(6))])


def test_gain_is_std_times_root_of_fan_in(tmp_path: Path) -> None:
    """0.25 with fan-in 16 is 1, 0.5 with fan-in 64 is 4."""
    seen = made(tmp_path, [0.25, 0.5, 0.125])
    assert seen["init_gain_median"] == pytest.approx(1.0)
    assert seen["init_gain_max"] == pytest.approx(4.0)


def test_a_matrix_that_starts_at_zero_has_no_gain(tmp_path: Path) -> None:
    """Such as an output layer; a model of nothing else has none at all."""
    assert made(tmp_path, [0.25, 0.25, 0.0])["init_gain_median"] == pytest.approx(1.5)
    assert made(tmp_path, [0.0, 0.0, 0.0])["init_gain_median"] is None


def test_loaded_weights_are_not_initialization(tmp_path: Path) -> None:
    """A checkpoint says nothing about how one would start."""
    assert made(tmp_path, [0.25, 0.5, 0.125], loaded=True)["init_gain_median"] is None


@pytest.mark.parametrize(
    ("stds", "run"), [([0, 0, 0], 3), ([0.1, 0, 0], 2), ([0, 0.1, 0], 1), ([0.1, 0.1, 0], 1), ([0.1, 0.1, 0.1], 0)]
)
def test_constant_matrices_count_in_a_row(tmp_path: Path, stds: list[float], run: int) -> None:
    """Zeros count; one alone between random ones is a run of one."""
    assert made(tmp_path, stds)["constant_matrices"] == run


def test_equal_but_nonzero_weights_are_constant(tmp_path: Path) -> None:
    """A matrix of ones has no spread around its mean."""
    seen = made(tmp_path, [0.0, 0.0, 0.1], mean=1.0)
    assert seen["constant_matrices"] == 2
    assert seen["constant_layers"] == ["l0.weight", "l1.weight"]


def test_norm_and_dropout_layers(tmp_path: Path) -> None:
    """Kinds are recognized by their names, dropout by its largest probability."""
    seen = made(tmp_path, [0.1] * 3, (("n", "BatchNorm1d"), ("d", "Dropout", {"p": 0.2}), ("e", "Dropout", {"p": 0.5})))
    assert [seen[n] for n in ("has_norm_layers", "has_batch_norm", "dropout_max", "dropout_layers")] == [
        True,
        True,
        0.5,
        ["e"],
    ]


def test_a_plain_model_has_neither(tmp_path: Path) -> None:
    """Zero is the dropout of a model without dropout."""
    seen = made(tmp_path, [0.1] * 3)
    assert [seen[n] for n in ("has_norm_layers", "has_batch_norm", "dropout_max")] == [False, False, 0.0]


def test_without_a_model_nothing_is_known(tmp_path: Path) -> None:
    """An imported log has no layers."""
    seen = signals_of(tmp_path, steps=5)
    assert [seen[n] for n in ("init_gain_median", "constant_matrices", "has_norm_layers", "dropout_max")] == [None] * 4


@pytest.mark.parametrize(("std", "count"), [(0.0, 2), (0.3, 0), (None, None)])
def test_equal_embeddings_count_and_unknown_ones_do_not(tmp_path: Path, std: float | None, count: int | None) -> None:
    """Two tables that start equal never differ; tables without a recorded start are not judged."""
    model = make_model(("u", "Embedding", 6, 9), ("i", "Embedding", 6, 9))
    for parameter in model["parameters"]:
        parameter.update(role="embedding", shape=[9, 6], init_std=std, init_rms=None if std is None else 0.1)
    model["parameters"] = [p for p in model["parameters"] if "weight" in p["name"]]
    seen = signals_of(tmp_path, steps=5, models=[model], optimizers=[make_optimizer(parameters=range(4))])
    assert seen["constant_matrices"] == count
