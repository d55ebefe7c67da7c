"""Whether masks of sequence models let real places through, or padding, by what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from builders import event, signals_of
from recordkit import record
from torch import nn

from trainadvisor.record.losses.mask_sides import MaskSides

if TYPE_CHECKING:
    from pathlib import Path

V, D, T, B, STEPS, PAD = 20, 16, 10, 6, 3, 0
Mask = torch.Tensor


class Reader(nn.Module):
    """Attends to the places that a mask keeps, in one of many ways, and gives an answer for each row."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.tok, self.given, self.head = way, nn.Embedding(V, D), nn.Linear(4, D), nn.Linear(D, 2)
        layer = nn.TransformerEncoderLayer(D, 2, 2 * D, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.attention = nn.MultiheadAttention(D, 2, batch_first=True)

    def forward(self, ids: torch.Tensor, keep: Mask) -> torch.Tensor:
        h = self.tok(ids) if ids.ndim == 2 else self.given(ids)
        return self.head(self.mixed(h, keep))

    def mixed(self, h: torch.Tensor, keep: Mask) -> torch.Tensor:
        over = keep[:, None, None]
        future = nn.Transformer.generate_square_subsequent_mask(T) if self.way == "causal" else None
        match self.way:
            case "encoder" | "causal":
                hidden = torch.zeros(keep.shape).masked_fill(~keep, -1e9)
                return self.encoder(h, mask=future, src_key_padding_mask=hidden).mean(1)
            case "attention":
                return self.attention(h, h, h, key_padding_mask=~keep)[0].mean(1)
            case "fused":
                return F.scaled_dot_product_attention(h[:, None], h[:, None], h[:, None], attn_mask=over)[:, 0].mean(1)
            case "filled":
                scores = (h @ h.transpose(1, 2) / D**0.5).masked_fill(~keep[:, None], -1e9)
                return (scores.softmax(-1) @ h).mean(1)
            case "mean":
                return (h * keep[..., None].float()).sum(1) / keep.sum(1, keepdim=True)
        return h.masked_fill(~keep[..., None], -1e9).amax(1)


WAYS = ["encoder", "causal", "attention", "fused", "filled", "mean", "largest"]


def sequences(*, start: bool = False) -> tuple[torch.Tensor, Mask]:
    """Return ids of rows of different lengths, padded at the end or at the start, and which are real."""
    length = torch.randint(3, T, (B, 1))
    real = torch.arange(T)[None] < length
    real = real.flip(1) if start else real
    return torch.randint(1, V, (B, T)).masked_fill(~real, PAD), real


def seen(tmp_path: Path, way: str, given: Any) -> Any:
    """Return the signals of a short training on what a function gives: the input and what is kept of it."""
    torch.manual_seed(0)

    def train() -> object:
        model = Reader(way)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(STEPS):
            optimizer.zero_grad()
            F.cross_entropy(model(*given()), torch.arange(B) % 2).backward()
            optimizer.step()
        return model

    events = [e for e in record(train).of("event") if e["kind"] == "mask-sides"]
    return signals_of(tmp_path, steps=STEPS, events=[event(e["kind"], e["detail"]) for e in events])


@pytest.mark.parametrize("way", WAYS)
def test_a_mask_that_keeps_the_padding(tmp_path: Path, way: str) -> None:
    """Every way of putting it on shows the padding, and nothing else."""

    def given() -> tuple[torch.Tensor, Mask]:
        ids, real = sequences()
        return ids, ~real

    signals = seen(tmp_path, way, given)
    assert signals["inverted_masks"] >= STEPS
    assert signals["inverted_lengths"] > 1
    assert signals["padding_shown"] + signals["content_hidden"] == signals["inverted_masks"] * B * T


@pytest.mark.parametrize("way", WAYS)
def test_a_mask_that_keeps_what_is_real(tmp_path: Path, way: str) -> None:
    """Is right in every way of putting it on."""
    assert seen(tmp_path, way, sequences)["inverted_masks"] == 0


@pytest.mark.parametrize("way", ["attention", "filled"])
def test_padding_before_the_sequences(tmp_path: Path, way: str) -> None:
    """Is told from them all the same."""

    def inverted() -> tuple[torch.Tensor, Mask]:
        ids, real = sequences(start=True)
        return ids, ~real

    assert seen(tmp_path, way, inverted)["inverted_masks"] == STEPS
    assert seen(tmp_path, way, lambda: sequences(start=True))["inverted_masks"] == 0


def test_vectors_in_place_of_ids(tmp_path: Path) -> None:
    """Padding is the one vector that all places behind the ends have in common."""
    features = torch.randn(V, 4)

    def vectors(*, kept: bool) -> tuple[torch.Tensor, Mask]:
        ids, real = sequences()
        return features[ids].masked_fill(~real[..., None], -1.5), real if kept else ~real

    assert seen(tmp_path, "attention", lambda: vectors(kept=False))["inverted_masks"] == STEPS
    assert seen(tmp_path, "attention", lambda: vectors(kept=True))["inverted_masks"] == 0


def _some(share: float) -> tuple[torch.Tensor, Mask]:
    """Places drawn at random, as masked autoencoders see them."""
    ids, real = sequences()
    return ids, (torch.rand(real.shape) < share) | (torch.arange(T) == 0)


def _first_only() -> tuple[torch.Tensor, Mask]:
    """One id at the start of every row, which is all that the others see."""
    ids, real = sequences()
    ids[:, 0] = V - 1
    return ids, (torch.arange(T) == 0).expand(real.shape)


def _prompts() -> tuple[torch.Tensor, Mask]:
    """The beginnings of rows."""
    ids, _ = sequences()
    return ids, torch.arange(T)[None] < torch.randint(2, 4, (B, 1))


def _unpadded() -> tuple[torch.Tensor, Mask]:
    """No padding, and nothing hidden."""
    return torch.randint(1, V, (B, T)), torch.ones(B, T, dtype=torch.bool)


@pytest.mark.parametrize("given", [lambda: _some(0.5), _first_only, _prompts, _unpadded])
@pytest.mark.parametrize("way", ["attention", "mean"])
def test_masks_for_something_else(tmp_path: Path, way: str, given: Any) -> None:
    """Are no inverted padding masks."""
    signals = seen(tmp_path, way, given)
    assert signals["inverted_masks"] == 0 or signals["inverted_lengths"] == 1


def test_what_an_inverted_mask_lets_through_is_counted() -> None:
    """Rows, places that are let through and hidden, what is let through, and how many a row; whole rows say nothing."""
    ids = torch.tensor([[5, 6, 7, 0], [8, 9, 0, 0], [1, 2, 3, 4]])
    padding = ids == 0
    found = MaskSides()
    found.add("attention", padding, [ids])
    told = {"cut_rows": 2, "shown": 3, "hidden": 5, "lengths": 2, "ids": 1}
    assert {name: found.fact()[name] for name in told} == told
    right = MaskSides()
    right.add("attention", ~padding, [ids])
    right.add("attention", padding[2:], [ids[2:]])
    assert {name: right.fact()[name] for name in told} == dict.fromkeys(told, 0)
    assert sum(right.masks.values()) == 1
