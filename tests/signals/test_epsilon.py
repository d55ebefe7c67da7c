"""Signals of an epsilon that is rounded to zero."""

from pathlib import Path
from typing import Any

from builders import event, signals_of


def _seen(tmp_path: Path, dtype: str, eps: float | None = 1e-8, **more: Any) -> Any:
    parameters = [
        {"id": 0, "name": "a", "shape": [3, 2], "count": 6, "dtype": dtype},
        {"id": 1, "name": "b", "shape": [2], "count": 2, "dtype": "float32"},
    ]
    group = {"parameters": [0, 1]} | ({} if eps is None else {"eps": eps})
    return signals_of(
        tmp_path,
        steps=5,
        models=[{"id": 0, "name": "Net", "layers": [], "parameters": parameters}],
        optimizers=[{"id": 0, "class": "Adam", "groups": [group]}],
        **more,
    )


def test_the_usual_epsilon_is_zero_in_float16_only(tmp_path: Path) -> None:
    """Six of eight numbers are in float16; bfloat16 reaches as far down as float32."""
    assert _seen(tmp_path, "float16")["eps_underflow_share"] == 0.75
    assert _seen(tmp_path, "bfloat16")["eps_underflow_share"] == 0.0
    assert _seen(tmp_path, "float16", 1e-4)["eps_underflow_share"] == 0.0
    assert _seen(tmp_path, "float16", None)["eps_underflow_share"] == 0.0


def test_which_numbers_were_not_finite_first(tmp_path: Path) -> None:
    """Weights, before a gradient or without one; a gradient that came before has broken them."""
    weights, later = event("nonfinite", subject="parameter", step=3), event("nonfinite", subject="gradient", step=4)
    assert _seen(tmp_path, "float16", events=[weights, later])["weights_broke_first"] is True
    before = event("nonfinite", subject="gradient", step=2)
    assert _seen(tmp_path, "float16", events=[before, weights])["weights_broke_first"] is False
    assert _seen(tmp_path, "float16")["weights_broke_first"] is False
