"""Whether a place of the model sees its own id and earlier ones only."""

from pathlib import Path

import pytest
from builders import event, make_loss, signals_of

SEEN = {"batches": 8, "labels": 3072, "own": True, "straight": True, "same_share": 1.0, "next_share": 0.25}


@pytest.mark.parametrize(
    ("sight", "looks_back"), [(["causal attention"], True), (["full attention"], False), ([], False)]
)
def test_only_what_is_seen_of_attention_counts(tmp_path: Path, sight: list[str], *, looks_back: bool) -> None:
    """Labels that are the ids given at the same place beside a second sequence may as well be an autoencoder's."""
    labels = event("labels", {**SEEN, "sources": 2, "sight": sight}, "13/1")
    assert signals_of(tmp_path, steps=9, losses=[make_loss()], events=[labels])["label_looks_back"] is looks_back


def test_labels_of_another_training_of_the_process_do_not_count(tmp_path: Path) -> None:
    """Where this one was looked at itself; else those are what is known."""
    steps = [{"opt": [0]}] * 20 + [{"opt": [1]}] * 60
    first, second = ({**SEEN, "next_share": share, "sources": 1, "sight": []} for share in (1.0, 0.5))
    both = [{**event("labels", first, "13/1"), "step": 3}, {**event("labels", second, "13/2"), "step": 22}]
    assert signals_of(tmp_path, steps=steps, losses=[make_loss()], events=both)["label_next_share"] == 0.5
    assert signals_of(tmp_path, steps=steps, losses=[make_loss()], events=both[:1])["label_next_share"] == 1.0
