"""Doubts about what was learned in part, each by the figures and the log that it looks at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from builders import log_of

from trainadvisor.judge import partial_doubts

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.log.reader import RunLog


def seen(log: RunLog | None = None, contexts: tuple[str, ...] = (), **known: Any) -> Any:
    """Return a run of which these figures are known."""
    return SimpleNamespace(signals=known, run=known, figure=known.get, contexts=set(contexts), log=log)


def told(doubt: Any, *given: Any, **known: Any) -> list[dict[str, Any]]:
    """Return what a doubt tells of a run."""
    return [dict(remark.values) for remark in doubt(seen(*given, **known))]


@pytest.mark.parametrize(
    ("known", "values"),
    [
        ({"skill": 0.3, "train_accuracy_final": 0.24, "class_count": 4}, {"share": 0.3, "right": 0.24, "guess": 0.25}),
        ({"skill": 0.29, "train_accuracy_final": 0.24, "class_count": 4}, None),
        ({"skill": 0.3, "train_accuracy_final": 0.25, "class_count": 4}, None),
        ({"skill": 0.3, "train_accuracy_final": 0.1, "class_count": 0}, None),
        ({"skill": None, "train_accuracy_final": 0.1, "class_count": 4}, None),
        ({"skill": 0.3, "train_accuracy_final": None, "class_count": 4}, None),
    ],
)
def test_answers_that_are_wrong_more_often_than_a_guess(known: dict[str, Any], values: dict[str, float] | None) -> None:
    """Where the loss tells of success."""
    assert told(partial_doubts.answers_wrong, **known) == [values][: values is not None]


@pytest.mark.parametrize(
    ("shares", "known", "share"),
    [
        ([0.01, 0.04], {}, 0.04),
        ([0.04, 0.01], {}, 0.04),
        ([0.01, 0.05], {}, None),
        ([0.05, 0.01], {}, None),
        ([0.9, 0.01, 0.02], {}, 0.02),
        ([0.0], {}, 0.0),
        ([], {}, None),
        ([None, 0.01], {}, 0.01),
        ([None], {}, None),
        ([0.01], {"skill": 0.29}, 0.01),
        ([0.01], {"skill": 0.3}, None),
        ([0.01], {"val_skill_final": 0.3}, None),
    ],
)
def test_labels_that_are_hardly_ever_found(
    tmp_path: Path, shares: list[float | None], known: dict[str, float], share: float | None
) -> None:
    """In each of the last two evaluations, unless much was learned."""
    evals = [{"step": n} if value is None else {"step": n, "labels_found": value} for n, value in enumerate(shares)]
    values = {"share": share}
    log = log_of(tmp_path, steps=5, evals=evals)
    assert told(partial_doubts.labels_unfound, log, **known) == [values][: share is not None]


PLAIN = {"plain_share": 0.9, "plain_examples": 400, "target_majority_share": 0.5, "train_accuracy_final": 0.8,
         "loss_kind": "cross_entropy"}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "contexts", "own"),
    [
        # eight tenths of what the plain model gains over the most frequent label are 0.82
        ({}, (), 0.8),
        ({"train_accuracy_final": 0.81}, (), 0.81),
        ({"train_accuracy_final": 0.83}, (), None),
        ({"val_accuracy_final": 0.83}, (), None),
        ({"val_accuracy_final": 0.7}, (), 0.8),
        ({"plain_share": None}, (), None),
        ({"plain_examples": 0}, (), None),
        ({"train_accuracy_final": None}, (), None),
        ({"target_majority_share": None}, (), None),
        ({}, ("contrastive",), None),
        # four standard errors of 0.9: 0.06 over 400 examples, 0.12 over 100
        ({"plain_examples": 100}, (), None),
        ({"plain_examples": 100, "train_accuracy_final": 0.7}, (), 0.7),
        # twentieth parts count however many were asked
        (
            {"target_majority_share": 0.8, "plain_share": 0.88, "plain_examples": 10**6, "train_accuracy_final": 0.84},
            (),
            None,
        ),
        ({"loss_kind": "mse_loss", "skill": 0.5}, (), 0.5),
        ({"loss_kind": "mse_loss", "skill": 0.73}, (), None),
        ({"loss_kind": "mse_loss"}, (), None),
        ({"loss_kind": "mse_loss", "skill": 0.5, "target_majority_share": None}, (), 0.5),
    ],
)
def test_a_plain_model_does_clearly_better(
    changed: dict[str, Any], contexts: tuple[str, ...], own: float | None
) -> None:
    """By more than chance, and by a fifth of what it gains itself."""
    known = PLAIN | changed
    expected = [{"plain": known["plain_share"], "own": own}][: own is not None]
    assert told(partial_doubts.worse_than_plain, None, contexts, **known) == expected
