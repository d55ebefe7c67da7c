"""The metrics that a script prints against the recorder's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import event, make_loss, signals_of

if TYPE_CHECKING:
    from pathlib import Path


def _signals(
    folder: Path, name: str, told: list[float], own: dict[str, list[float]], shape: tuple[int, ...] = (8, 3)
) -> Any:
    """Return the signals of a run with an evaluation every ten steps and a line printed after each."""
    steps = [10 * place for place in range(1, len(told) + 1)]
    evals = [
        {"step": step, "loss": 1.0, "metrics": {kind: values[place] for kind, values in own.items()}}
        for place, step in enumerate(steps)
    ]
    events = [event("figures-printed", {"held_out": {name: v}}, step=s) for s, v in zip(steps, told, strict=True)]
    events.append(event("inputs", {"model": 0, "phase": "train", "shape": [8, 4]}))
    loss = make_loss(prediction={"shape": list(shape)})
    return signals_of(folder, columns={"loss": [1.0] * 40}, evals=evals, events=events, losses=[loss])


def _told(signals: Any) -> tuple[Any, ...]:
    return tuple(signals.get(f"printed_metric{rest}") for rest in ("", "_last", "_own", "_apart"))


def test_a_metric_is_compared_with_ours_of_the_same_step(tmp_path: Path) -> None:
    """By the median of their distances."""
    signals = _signals(tmp_path, "val r2", [0.1, -0.2, -0.4], {"r2": [0.2, 0.3, 0.5]})
    assert _told(signals) == ("val r2", -0.4, 0.5, pytest.approx(0.5))


@pytest.mark.parametrize("name", ["val acc", "Test accuracy", "validation mean accuracy", "overall test acc"])
def test_percent_and_shares_are_the_same(tmp_path: Path, name: str) -> None:
    """Whatever words stand beside the name."""
    assert _told(_signals(tmp_path, name, [0.9, 60.0], {"accuracy": [0.009, 0.6]})) == (
        name,
        60.0,
        0.6,
        pytest.approx(0.0),
    )


@pytest.mark.parametrize("name", ["val digit acc", "val f1", "val r", "knn accuracy", "val mean iou class"])
def test_another_metric_is_not_compared(tmp_path: Path, name: str) -> None:
    """That of a part, or one that is not ours."""
    assert (
        _told(_signals(tmp_path, name, [0.1, 0.2], {"accuracy": [0.9, 0.9], "r2": [0.9, 0.9], "iou": [0.9, 0.9]}))
        == (None,) * 4
    )


def test_one_evaluation_says_nothing(tmp_path: Path) -> None:
    """It may be an opening look."""
    assert _told(_signals(tmp_path, "val acc", [0.1], {"accuracy": [0.9]})) == (None,) * 4


def test_the_accuracy_of_several_answers_an_example_is_another(tmp_path: Path) -> None:
    """Words or whole sentences, also where they stand in rows of their own; the overlap of masks is the same."""
    own = {"accuracy": [0.9, 0.9], "dice": [0.9, 0.9]}
    assert _told(_signals(tmp_path, "val acc", [0.1, 0.1], own, (8, 3, 20))) == (None,) * 4
    assert _told(_signals(tmp_path, "val acc", [0.1, 0.1], own, (80, 20))) == (None,) * 4
    assert _told(_signals(tmp_path, "val dice", [1.9, 1.9], own, (8, 1, 9, 9))) == (
        "val dice",
        1.9,
        0.9,
        pytest.approx(0.881),
    )


def test_the_metric_that_is_furthest_is_told(tmp_path: Path) -> None:
    """Of several."""
    events = [event("figures-printed", {"held_out": {"val dice": 0.5, "val iou": 0.1}}, step=s) for s in (10, 20)]
    evals = [{"step": s, "loss": 1.0, "metrics": {"dice": 0.6, "iou": 0.4}} for s in (10, 20)]
    signals = signals_of(tmp_path, columns={"loss": [1.0] * 40}, evals=evals, events=events, losses=[make_loss()])
    assert _told(signals) == ("val iou", 0.1, 0.4, pytest.approx(0.3))


def test_of_several_evaluations_at_a_step_the_nearest_is_meant(tmp_path: Path) -> None:
    """As where validation and test are evaluated one after the other."""
    events = [event("figures-printed", {"held_out": {"val r2": value}}, step=s) for s, value in ((10, 0.5), (20, 0.6))]
    evals = [
        {"step": s, "series": n, "loss": 1.0, "metrics": {"r2": value}}
        for s, own in ((10, (0.5, 0.1)), (20, (0.55, 0.2)))
        for n, value in enumerate(own)
    ]
    signals = signals_of(tmp_path, columns={"loss": [1.0] * 40}, evals=evals, events=events, losses=[make_loss()])
    assert _told(signals) == ("val r2", 0.6, 0.55, pytest.approx(0.025))
