"""What events and fields of the loss's graph become: crossed shapes, lost terms, empty factors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_loss, signals_of

GRAPH = {"opaque": False, "ops": [], "parameters": [0]}


def _of(folder: Path, *events: dict[str, Any], **columns: Any) -> Any:
    losses = [make_loss(graph=GRAPH)]
    return signals_of(folder, columns={"loss": [1.0] * 8, "loss_id": [0] * 8, **columns}, losses=losses, events=events)


def _term(name: str, rounds: int, lost: int, number: int = 0) -> dict[str, Any]:
    detail = {"rounds": rounds, "lost": lost, "of": "a + b", "number": number}
    return {"kind": "loss-term", "subject": name, "detail": detail}


def test_a_crossing_tells_examples_shapes_and_operation(tmp_path: Path) -> None:
    """All three come from the first event."""
    crossed = {"kind": "crossed-shapes", "detail": {"op": "MulBackward0", "shapes": [[64], [64, 64]]}}
    signals = _of(tmp_path, crossed)
    assert signals["crossed_examples"] == 64
    assert (signals["crossed_shapes"], signals["crossed_operation"]) == ("(64,) / (64, 64)", "Mul")


def test_a_graph_without_events_is_clear(tmp_path: Path) -> None:
    """One partner, no lost term, no empty step."""
    signals = _of(tmp_path)
    assert (signals["crossed_examples"], signals["lost_term_rounds"], signals["lost_terms"]) == (1, 0, None)
    assert (signals["zero_factor_share"], signals["zero_factor_steps"]) == (0.0, 0)


def test_the_last_word_on_a_term_counts(tmp_path: Path) -> None:
    """A term that was used later is not lost; another of the same name in another place is."""
    signals = _of(tmp_path, _term("a", 3, 3), _term("a", 5, 4), _term("a", 4, 4, number=1), _term("b", 3, 1))
    assert (signals["lost_terms"], signals["lost_term_rounds"]) == (["a"], 4)


@pytest.mark.parametrize(
    ("zero", "share", "steps"),
    [([1.0] * 8, 1.0, 8), ([0.0] * 4 + [1.0] * 4, 0.0, 4), ([1.0, 1.0, 0.0, 1.0] * 2, 0.75, 6)],
)
def test_both_halves_of_a_run_need_empty_steps(tmp_path: Path, zero: list[float], share: float, steps: int) -> None:
    """The half with fewer of them counts."""
    signals = _of(tmp_path, factor_zero=zero)
    assert signals["zero_factor_share"] == pytest.approx(share)
    assert signals["zero_factor_steps"] == steps == int(np.sum(zero))
