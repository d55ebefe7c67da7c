"""The temperature of a contrastive loss, from its largest logit."""

import math
from pathlib import Path
from typing import Any

import pytest
from builders import make_loss, signals_of

N = 64


def _signals(tmp_path: Path, *, cosines: bool, entropy: float = math.log(N), largest: float = 0.5) -> Any:
    loss = make_loss(prediction={"shape": [N, N], "max": largest}, target={"classes": N, "batch_entropy": entropy})
    return signals_of(tmp_path, steps=5, losses=[loss | {"graph": {"cosines": cosines, "ops": []}}])


def test_cosines_over_a_batch(tmp_path: Path) -> None:
    """The largest logit is 1 / temperature; the floor is that of partners at 1 and all others at -1."""
    seen = _signals(tmp_path, cosines=True)
    assert (seen["contrast_temperature"], seen["contrast_examples"]) == (2.0, N)
    best = -math.log(math.exp(0.5) / (math.exp(0.5) + (N - 1) * math.exp(-0.5)))
    assert seen["contrast_floor"] == pytest.approx(best)
    assert seen["contrast_guess"] == pytest.approx(math.log(N))


@pytest.mark.parametrize("parts", [{"cosines": False}, {"cosines": True, "entropy": 1.0}])
def test_other_trainings_have_none(tmp_path: Path, parts: dict[str, Any]) -> None:
    """Logits without norms, or labels that are classes of the examples."""
    seen = _signals(tmp_path, **parts)
    assert (seen["contrast_temperature"], seen["contrast_examples"]) == (0.1, None)


def test_negative_logits_tell_no_temperature(tmp_path: Path) -> None:
    """Where no cosine is positive yet, nothing can be said."""
    assert _signals(tmp_path, cosines=True, largest=-0.5)["contrast_temperature"] is None
