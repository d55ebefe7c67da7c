"""Which sequence the labels of an encoder and a decoder are taken from, and what that one sees of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from builders import event, signals_of
from recordkit import record
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path

V, D, T, B, STEPS = 20, 16, 8, 6, 3


class Translator(nn.Module):
    """Reads a source and answers along a target, in one of many ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.source, self.target = way, nn.Embedding(V, D), nn.Embedding(V, D)
        self.transformer = nn.Transformer(D, 2, 1, 1, 2 * D, dropout=0.1, batch_first=True)
        self.encoder = nn.LSTM(D, D // 2, batch_first=True, bidirectional=True)
        self.decoder, self.cell, self.head = nn.LSTM(D, D, batch_first=True), nn.GRUCell(D, D), nn.Linear(D, V)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.way in ("transformer", "unmasked"):
            mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1]) if self.way != "unmasked" else None
            return self.head(self.transformer(self.source(source), self.target(target), tgt_mask=mask))
        read, (state, _) = self.encoder(self.source(source))
        state = state.transpose(0, 1).reshape(len(source), D)
        if self.way == "steps":
            answers = []
            for step in range(target.shape[1]):
                state = self.cell(self.target(target[:, step]), state)
                answers.append(self.head(state))
            return torch.stack(answers, 1)
        if self.way == "autoencoder":
            empty = torch.zeros(len(source), T, D)
            return self.head(self.decoder(empty, (state[None], state[None]))[0])
        told = self.decoder(self.target(target), (state[None], state[None]))[0]
        return self.head(told + (told @ read.transpose(1, 2)).softmax(-1) @ read)


def seen(tmp_path: Path, way: str, given: Any) -> Any:
    """Return the signals of a short training on what a function makes of source and target: input and labels."""
    torch.manual_seed(0)

    def train() -> object:
        model = Translator(way)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(STEPS):
            source, target = torch.randint(2, V, (B, T)), torch.randint(2, V, (B, T + 1))
            target[:, 0] = 1
            source, read, labels = given(source, target)
            optimizer.zero_grad()
            F.cross_entropy(model(source, read).flatten(0, 1), labels.flatten()).backward()
            optimizer.step()
        return model

    events = [e for e in record(train).of("event") if e["kind"] == "labels"]
    return signals_of(tmp_path, steps=STEPS, events=[event(e["kind"], e["detail"], e["subject"]) for e in events])


def shifted(source: torch.Tensor, target: torch.Tensor) -> Any:
    """The decoder reads up to t and answers for t + 1."""
    return source, target[:, :-1], target[:, 1:]


def unshifted(source: torch.Tensor, target: torch.Tensor) -> Any:
    """The decoder reads what it is asked for."""
    return source, target[:, 1:], target[:, 1:]


def copied(source: torch.Tensor, target: torch.Tensor) -> Any:
    """The answer is the source; the decoder reads it one place late."""
    return source, torch.cat([target[:, :1], source[:, :-1]], 1), source


WAYS = ["transformer", "attention", "steps"]


@pytest.mark.parametrize("way", WAYS)
def test_a_decoder_that_is_given_its_labels(tmp_path: Path, way: str) -> None:
    """Looks back only, and the label is the id that it reads at the same place."""
    signals = seen(tmp_path, way, unshifted)
    assert signals["label_looks_back"]
    assert (signals["label_same_share"], signals["label_sees_next"]) == (1.0, False)
    assert signals["label_next_share"] < 0.3


@pytest.mark.parametrize("given", [shifted, copied])
@pytest.mark.parametrize("way", WAYS)
def test_a_decoder_that_reads_one_place_late(tmp_path: Path, way: str, given: Any) -> None:
    """Has the next id for a label, also where the source is copied."""
    signals = seen(tmp_path, way, given)
    assert (signals["label_looks_back"], signals["label_next_share"], signals["label_sees_next"]) == (True, 1.0, False)


def test_a_decoder_without_a_mask(tmp_path: Path) -> None:
    """Sees the next id, whatever an encoder may see of its own."""
    assert seen(tmp_path, "unmasked", shifted)["label_sees_next"]


def test_an_autoencoder_through_a_state(tmp_path: Path) -> None:
    """Gives its source back without reading it place by place."""
    signals = seen(tmp_path, "autoencoder", lambda source, target: (source, target, source))
    assert (signals["label_same_share"], signals["label_looks_back"]) == (1.0, False)
