"""Adapters that are switched off with nothing learned."""

from pathlib import Path
from typing import Any

import pytest
from builders import signals_of

LORA = {
    "q.A": ([4, 32], 0.2),
    "q.B": ([64, 4], 0.0),
    "v.lora_A.d.weight": ([4, 32], 0.2),
    "v.lora_B.d.weight": ([64, 4], 0.0),
}


def _off(tmp_path: Path, weights: dict[str, tuple[list[int], float]], **facts: dict[str, Any]) -> Any:
    parameters = [
        {"id": n, "name": name, "shape": shape, "count": 1, "role": "weight", "trainable": False, "init_rms": rms}
        | facts.get(name.replace(".", "_"), {})
        for n, (name, (shape, rms)) in enumerate({"q.base": ([64, 32], 0.1), **weights}.items())
    ]
    model = {"id": 0, "name": "Net", "modules": [], "parameters": parameters}
    seen = signals_of(tmp_path, columns={"loss": [1.0] * 10}, models=[model])
    assert seen["adapters_off_count"] == len(seen["adapters_off"] or ())
    return seen["adapters_off"]


def test_zero_outer_matrices_of_frozen_pairs_are_off(tmp_path: Path) -> None:
    """Both as parameters of one module and as modules of their own."""
    assert _off(tmp_path, LORA) == ["Net.q.B", "Net.v.lora_B.d.weight"]


@pytest.mark.parametrize("name", ["q_A", "v_lora_B_d_weight"])
def test_another_adapter_that_trains_leaves_them_alone(tmp_path: Path, name: str) -> None:
    """One of several adapters is in use, or the inner matrices are frozen on purpose."""
    assert _off(tmp_path, LORA, **{name: {"trainable": True}}) is None


@pytest.mark.parametrize(
    "weights",
    [
        {"q.A": ([4, 32], 0.2), "q.B": ([64, 4], 0.3)},
        {"q.B": ([64, 4], 0.0)},
        {"q.A": ([4, 32], 0.2), "v.B": ([64, 4], 0.0)},
        {"q.A": ([64, 32], 0.2), "q.B": ([64, 64], 0.0)},
    ],
    ids=["not zero", "no inner matrix", "of another module", "not of low rank"],
)
def test_other_frozen_matrices_are_no_adapters(tmp_path: Path, weights: dict[str, tuple[list[int], float]]) -> None:
    """Learned or merged ones, tables that are filled later, and layers that start at zero."""
    assert _off(tmp_path, weights) is None


def test_what_was_trained_before_is_not_off(tmp_path: Path) -> None:
    """Its values at the start are not those of now."""
    earlier = {"earlier": True}
    assert _off(tmp_path, LORA, q_B=earlier, v_lora_B_d_weight=earlier) is None
