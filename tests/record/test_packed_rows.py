"""Whether attention crosses the borders of packed documents, where a model is told where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from builders import event, signals_of
from recordkit import record
from torch import nn

from trainadvisor.record.losses.packed_rows import borders_of

if TYPE_CHECKING:
    from pathlib import Path

V, D, B, STEPS, END = 20, 16, 4, 3, 1
LENGTHS = (5, 4, 6, 3)
T = sum(LENGTHS)
POSITIONS = torch.cat([torch.arange(n) for n in LENGTHS])
DOCUMENTS = torch.cat([torch.full((n,), at) for at, n in enumerate(LENGTHS)])
BORDERS = (5, 9, 15)


class Causal(nn.Module):
    """A language model whose attention is cut at documents or not, with positions in the row as well or not."""

    def __init__(self, *, cut: bool, counted: bool = False, embeds: bool = False) -> None:
        super().__init__()
        self.cut, self.counted, self.embeds = cut, counted, embeds
        self.tok, self.place, self.head = nn.Embedding(V, D), nn.Embedding(T, D), nn.Linear(D, V)

    def forward(self, ids: torch.Tensor, **told: torch.Tensor) -> torch.Tensor:
        h = self.tok(ids)
        if "position_ids" in told:
            h = h + self.place(told["position_ids"])
        if self.counted:
            h = h + self.place(torch.arange(T))
        if self.embeds:
            h = h + self.place(told["document_ids"])
        mask = (DOCUMENTS[:, None] == DOCUMENTS).tril() if self.cut else None
        mixed = F.scaled_dot_product_attention(
            h[:, None], h[:, None], h[:, None], attn_mask=mask, is_causal=not self.cut
        )
        return self.head(h + mixed[:, 0])


def rows(*, marked: bool = True) -> torch.Tensor:
    """Return packed rows whose documents end with one id."""
    ids = torch.randint(2, V, (B, T))
    if marked:
        ids[:, [at - 1 for at in BORDERS]] = END
    return ids


def seen(tmp_path: Path, model: nn.Module, *, marked: bool = True, **told: torch.Tensor) -> Any:
    """Return the signals of a short training of a model that is told something of its rows."""
    torch.manual_seed(0)

    def train() -> object:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(STEPS):
            ids = rows(marked=marked)
            optimizer.zero_grad()
            logits = model(ids, **{name: given.expand(B, -1) for name, given in told.items()})
            F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
            optimizer.step()
        return model

    events = [e for e in record(train).of("event") if e["kind"] == "packed-rows"]
    return signals_of(tmp_path, steps=STEPS, events=[event(e["kind"], e["detail"]) for e in events])


@pytest.mark.parametrize("told", [{"position_ids": POSITIONS}, {"document_ids": DOCUMENTS}])
def test_attention_across_the_borders(tmp_path: Path, told: dict[str, torch.Tensor]) -> None:
    """Is told with what the model was told the borders by."""
    signals = seen(tmp_path, Causal(cut=False), **told)
    assert (signals["crossing_attentions"], signals["marked_borders"]) == (STEPS, 1.0)
    assert signals["document_borders"] == STEPS * B * len(BORDERS)
    assert signals["borders_told_by"] == next(iter(told))


@pytest.mark.parametrize("told", [{"position_ids": POSITIONS}, {"document_ids": DOCUMENTS}])
def test_attention_that_ends_at_the_borders(tmp_path: Path, told: dict[str, torch.Tensor]) -> None:
    """Crosses none."""
    assert seen(tmp_path, Causal(cut=True), **told)["crossing_attentions"] == 0


def test_models_that_read_on(tmp_path: Path) -> None:
    """Told nothing, told of places in the row, or with positions in the row as well, or numbers that are embedded."""
    whole = torch.arange(T)
    assert seen(tmp_path, Causal(cut=False))["crossing_attentions"] == 0
    assert seen(tmp_path, Causal(cut=False), position_ids=whole)["crossing_attentions"] == 0
    assert seen(tmp_path, Causal(cut=False, counted=True), position_ids=POSITIONS)["crossing_attentions"] == 0
    assert seen(tmp_path, Causal(cut=False, embeds=True), document_ids=DOCUMENTS)["crossing_attentions"] == 0


def test_borders_that_no_id_marks(tmp_path: Path) -> None:
    """May be parts of one text."""
    assert seen(tmp_path, Causal(cut=False), marked=False, position_ids=POSITIONS)["marked_borders"] < 0.5


def test_what_tells_borders() -> None:
    """Positions that begin anew, several documents in order, lengths in a sum; no padding and no mask."""
    found = borders_of("position_ids", POSITIONS, 1, T)
    assert found is not None
    assert found.nonzero()[:, 1].tolist() == list(BORDERS)
    for name, told in (("document_ids", DOCUMENTS), ("cu_seqlens", torch.tensor([0, *BORDERS, T]))):
        other = borders_of(name, told, 1, T)
        assert other is not None
        assert torch.equal(other, found)
    padded = torch.cat([torch.zeros(4), torch.arange(T - 4)]).long()
    assert borders_of("position_ids", padded, 1, T) is None
    assert borders_of("segment_ids", (torch.arange(T) > 9).long(), 1, T) is None
    assert borders_of("segment_ids", DOCUMENTS % 2, 1, T) is None
    assert borders_of("cu_seqlens", torch.tensor([0, 5, 9]), 1, T) is None
