"""Whether a place of the model sees its own id and earlier ones only."""

from pathlib import Path

import pytest
from builders import event, make_loss, signals_of

SEEN = {"batches": 8, "labels": 3072, "own": True, "straight": True, "same_share": 1.0, "next_share": 0.25}


@pytest.mark.parametrize(
    ("sources", "own", "sight", "looks_back"),
    [(2, True, [], True), (1, True, [], False), (2, False, [], False), (2, True, ["full attention"], False)],
)
def test_a_decoder_whose_attention_is_out_of_sight_reads_its_own_ids(
    tmp_path: Path, *, sources: int, own: bool, sight: list[str], looks_back: bool
) -> None:
    """Beside a second sequence; a single one may be an autoencoder, and full attention sees more."""
    labels = event("labels", {**SEEN, "sources": sources, "own": own, "sight": sight}, "13/1")
    assert signals_of(tmp_path, steps=9, losses=[make_loss()], events=[labels])["label_looks_back"] is looks_back
