"""By how much the gradient of one term of a loss exceeds that of the others, in the parameters of each."""

from pathlib import Path
from typing import Any

import pytest
from builders import make_loss, make_model, signals_of

GRAPH = {"opaque": False, "ops": [], "parameters": [0, 1, 2]}
VALUE = {"name": "mse_loss (a.py:3)", "own": [4, 5], "without": [2, 3], "shared": 2}
POLICY = {"name": "term 1 (a.py:5)", "own": [2, 3], "without": [4, 5], "shared": 2}


def _of(folder: Path, gradients: list[list[float]], *terms: dict[str, Any]) -> Any:
    columns = {"loss": [1.0] * 10, "loss_id": [0] * 10, "lr": [0.1] * 10}
    events = [{"kind": "loss-terms", "detail": {"summands": list(terms)}}] if terms else []
    layers = [{"grad": row} for row in gradients]
    model, losses = (
        make_model(("body", "Linear", 2, 4), ("policy", "Linear", 4, 2), ("value", "Linear", 4, 1)),
        [make_loss(graph=GRAPH)],
    )
    return signals_of(folder, columns=columns, layers=layers, models=[model], losses=losses, events=events)


def test_the_larger_head_dominates(tmp_path: Path) -> None:
    """The factor that holds in nine of ten samples, and the name of the term."""
    signals = _of(tmp_path, [[1.0, 1.0, 0.06, 0.08, 30.0, 40.0]] * 4, POLICY, VALUE)
    assert signals["term_dominance"] == pytest.approx(500.0)
    assert signals["dominant_term"] == "mse_loss (a.py:3)"


def test_terms_without_a_shared_part_do_not_compete(tmp_path: Path) -> None:
    """Nets apart, too few samples and a single term are balanced."""
    gradients = [[1.0, 1.0, 0.06, 0.08, 30.0, 40.0]] * 4
    assert _of(tmp_path, gradients, {**VALUE, "shared": 0})["term_dominance"] == 1.0
    assert _of(tmp_path, gradients[:2], POLICY, VALUE)["term_dominance"] == 1.0
    assert _of(tmp_path, gradients)["term_dominance"] == 1.0
