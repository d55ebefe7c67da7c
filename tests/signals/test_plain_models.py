"""What plain models get, as signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import event, make_loss, signals_of

if TYPE_CHECKING:
    from pathlib import Path


def test_the_better_plain_model_of_the_judged_loss_counts(tmp_path: Path) -> None:
    """The nearest examples do better than a line; what was told of another loss says nothing."""
    told = [
        event("plain-models", {"examples": 900, "tested": 450, "linear": 0.5, "nearest": 0.9}, "cross_entropy"),
        event("plain-models", {"examples": 900, "tested": 450, "linear": 0.99, "nearest": 0.9}, "mse_loss"),
    ]
    found = signals_of(tmp_path, columns={"loss": [1.0] * 4, "loss_id": 0}, events=told, losses=[make_loss()])
    assert (found.get("plain_share"), found.get("plain_examples")) == (0.9, 450)


def test_nothing_is_known_where_nothing_was_told(tmp_path: Path) -> None:
    """No event, no share."""
    found = signals_of(tmp_path, steps=4, losses=[make_loss()])
    assert (found.get("plain_share"), found.get("plain_examples")) == (None, None)
