"""The accuracy that a script prints against the recorder's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import event, make_loss, signals_of

if TYPE_CHECKING:
    from pathlib import Path


def _signals(
    folder: Path,
    name: str,
    told: list[float],
    own: dict[str, list[float]],
    shape: tuple[int, ...] = (8, 3),
    kind: str = "cross_entropy",
    *,
    beside: dict[str, float] | None = None,
    other: float | None = None,
) -> Any:
    """Return the signals of a run with an evaluation every ten steps, or another one too, and a line after each."""
    steps = [10 * place for place in range(1, len(told) + 1)]
    evals: list[dict[str, Any]] = [
        {"step": step, "series": 0, "loss": 1.0, "metrics": {known: values[place] for known, values in own.items()}}
        for place, step in enumerate(steps)
    ]
    if other is not None:
        evals += [{"step": step, "series": 1, "loss": 1.0, "metrics": {"accuracy": other}} for step in steps]
    lines = [{name: value, **(beside or {})} for value in told]
    events = [event("figures-printed", {"held_out": line}, step=s) for s, line in zip(steps, lines, strict=True)]
    events.append(event("inputs", {"model": 0, "phase": "train", "shape": [8, 4]}))
    loss = make_loss(kind, prediction={"shape": list(shape)})
    return signals_of(folder, columns={"loss": [1.0] * 40}, evals=evals, events=events, losses=[loss])


def _told(signals: Any) -> tuple[Any, ...]:
    return tuple(signals.get(f"printed_metric{rest}") for rest in ("", "_last", "_own", "_apart"))


def test_an_accuracy_is_compared_with_ours_of_the_same_step(tmp_path: Path) -> None:
    """By the median of their distances."""
    signals = _signals(tmp_path, "val acc", [0.1, 0.2, 0.4], {"accuracy": [0.2, 0.7, 0.9]})
    assert _told(signals) == ("val acc", 0.4, 0.9, pytest.approx(0.5))


@pytest.mark.parametrize("name", ["val acc", "Test accuracy", "validation mean accuracy", "overall test acc"])
def test_percent_and_shares_are_the_same(tmp_path: Path, name: str) -> None:
    """Whatever words stand beside the name."""
    assert _told(_signals(tmp_path, name, [0.9, 60.0], {"accuracy": [0.009, 0.6]})) == (
        name,
        60.0,
        0.6,
        pytest.approx(0.0),
    )


@pytest.mark.parametrize("name", ["val digit acc", "val f1", "val r2", "val iou", "knn accuracy"])
def test_another_metric_is_not_compared(tmp_path: Path, name: str) -> None:
    """That of a part, one that is not ours, or one that has several right definitions."""
    assert (
        _told(_signals(tmp_path, name, [0.1, 0.2], {"accuracy": [0.9, 0.9], "r2": [0.9, 0.9], "iou": [0.9, 0.9]}))
        == (None,) * 4
    )


def test_one_evaluation_says_nothing(tmp_path: Path) -> None:
    """It may be an opening look."""
    assert _told(_signals(tmp_path, "val acc", [0.1], {"accuracy": [0.9]})) == (None,) * 4


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((8, 3, 20), "cross_entropy"), ((80, 20), "cross_entropy"), ((8, 3), "binary_cross_entropy_with_logits")],
    ids=["words", "words in rows of their own", "several labels"],
)
def test_the_accuracy_of_several_answers_an_example_is_another(
    tmp_path: Path, shape: tuple[int, ...], kind: str
) -> None:
    """That of words or whole sentences, of each label or all."""
    assert _told(_signals(tmp_path, "val acc", [0.1, 0.1], {"accuracy": [0.9, 0.9]}, shape, kind)) == (None,) * 4


def test_the_accuracy_that_is_furthest_is_told(tmp_path: Path) -> None:
    """Of several."""
    signals = _signals(tmp_path, "val acc", [0.5, 0.5], {"accuracy": [0.6, 0.6]}, beside={"test acc": 0.1})
    assert _told(signals) == ("test acc", 0.1, 0.6, pytest.approx(0.5))


def test_of_several_evaluations_at_a_step_the_nearest_is_meant(tmp_path: Path) -> None:
    """As where validation and test are evaluated one after the other."""
    signals = _signals(tmp_path, "val acc", [0.5, 0.6], {"accuracy": [0.5, 0.55]}, other=0.1)
    assert _told(signals) == ("val acc", 0.6, 0.55, pytest.approx(0.025))
