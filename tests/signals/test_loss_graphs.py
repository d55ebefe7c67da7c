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


def test_axes_are_told_by_the_first_event(tmp_path: Path) -> None:
    """Shapes before and after of a view, and the dimension of a softmax."""
    moved = {"kind": "moved-axes", "detail": {"viewed": [5, 6, 8], "shape": [6, 5, 8], "of": "layer"}}
    axis = {"kind": "softmax-axis", "detail": {"shape": [6, 4], "dim": 0, "over": "batch", "op": "Softmax"}}
    signals = _of(tmp_path, moved, axis)
    assert (signals["scrambled_views"], signals["scrambled_before"], signals["scrambled_after"]) == (
        1,
        "(5, 6, 8)",
        "(6, 5, 8)",
    )
    assert (signals["softmax_over"], signals["softmax_dim"], signals["softmax_shape"]) == ("batch", 0, "(6, 4)")


def test_a_view_that_may_regroup_is_counted_apart(tmp_path: Path) -> None:
    """Its shapes are told where there is no other."""
    moved = {
        "kind": "moved-axes",
        "detail": {"viewed": [6, 16, 8], "shape": [6, 8, 16], "of": "layer", "regrouped": True},
    }
    signals = _of(tmp_path, moved)
    assert (signals["scrambled_views"], signals["regrouped_views"]) == (0, 1)
    assert signals["scrambled_before"] == "(6, 16, 8)"


def test_a_mean_divided_again_tells_its_examples(tmp_path: Path) -> None:
    """The number of the event; 1 without one."""
    divided = {"kind": "mean-divided", "detail": {"by": 2048}}
    assert (_of(tmp_path, divided)["mean_divisor"], _of(tmp_path)["mean_divisor"]) == (2048, 1)


def test_a_mean_divided_twice_by_the_micro_batches_tells_the_square(tmp_path: Path) -> None:
    """By what it was divided, and 1 where it was not."""
    divided = {"kind": "divided-twice", "detail": {"by": 16}}
    assert (_of(tmp_path, divided)["accumulation_divisor"], _of(tmp_path)["accumulation_divisor"]) == (16, 1)


def test_ordered_axes_are_clear(tmp_path: Path) -> None:
    """No view, and a softmax over the alternatives."""
    signals = _of(tmp_path)
    assert (signals["scrambled_views"], signals["softmax_over"]) == (0, "alternatives")


def test_an_overlap_of_raw_outputs_is_a_truth(tmp_path: Path) -> None:
    """True with its event, false without."""
    raw = {"kind": "raw-overlap", "detail": {"site": None}}
    assert (_of(tmp_path, raw)["raw_overlap"], _of(tmp_path)["raw_overlap"]) == (True, False)
    cut = {"kind": "clamped-outputs", "detail": {"site": None}}
    assert (_of(tmp_path, cut)["clamped_outputs"], _of(tmp_path)["clamped_outputs"]) == (True, False)


@pytest.mark.parametrize(
    ("shape", "dim", "over", "choice"),
    [
        ([64, 24, 1], 2, "single", 1), ([64, 1, 24], 1, "single", 2), ([64, 1], 1, "single", None),
        ([64, 4, 20, 1], 3, "single", None), ([64, 10], 0, "batch", None),
    ],
)  # fmt: skip
def test_a_softmax_over_a_single_value_may_have_one_other_choice(
    tmp_path: Path, shape: list[int], dim: int, over: str, choice: int | None
) -> None:
    """The dimension besides the batch with several values, where there is just one."""
    axis = {"kind": "softmax-axis", "detail": {"shape": shape, "dim": dim, "over": over, "op": "Softmax"}}
    assert _of(tmp_path, axis)["softmax_choice"] == choice
