"""Small trainings of language models, each sound or with the fault of one of the 25 troubles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

Batch = tuple[torch.Tensor, torch.Tensor]
WORDS, WIDTH = 40, 32
SEPARATOR, STOP = 0, 1


class Block(nn.Module):
    """Causal attention and a small network."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """What attention and the network add."""
        h = self.norms[0](x)
        q, k, v = (part(h).unflatten(-1, (4, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norms[1](x))))


class LanguageModel(nn.Module):
    """Two blocks over ids; `reentrant` says how their activations are made again, where they are."""

    def __init__(self, length: int, *, reentrant: bool | None = None) -> None:
        super().__init__()
        self.reentrant = reentrant
        self.tokens, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(length, WIDTH)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WORDS)

    def forward(
        self, ids: torch.Tensor, position_ids: torch.Tensor | None = None, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Scores of the next id at every place."""
        places = torch.arange(ids.shape[1]) if position_ids is None else position_ids
        x = self.tokens(ids) + self.places(places)
        for block in self.blocks:
            x = block(x, mask) if self.reentrant is None else checkpoint(block, x, mask, use_reentrant=self.reentrant)
        return self.head(self.norm(x))


def next_id_loss(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the next id where its label counts."""
    return F.cross_entropy(scores[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


def taught(model: nn.Module, data: Batch, held_out: Batch, *, epochs: int = 8, lr: float = 3e-3) -> None:
    """Train on rows and labels, and look at others after each epoch."""
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=lr)
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(data[0])).split(32):
            optimizer.zero_grad()
            next_id_loss(model(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            next_id_loss(model(held_out[0]), held_out[1])


def copying(count: int, prompt: int = 6, *, masked: bool = True) -> Batch:
    """Prompts whose first three ids are the answer, with labels for the answers."""
    asked = torch.randint(2, WORDS, (count, prompt))
    ids = torch.cat([asked, torch.full((count, 1), SEPARATOR), asked[:, :3], torch.full((count, 1), STOP)], 1)
    labels = ids.clone()
    if masked:
        labels[:, : prompt + 1] = -100
    return ids, labels


def labels_masked(*, broken: bool) -> None:
    """The template of the collator is not found in the text, and so every label is ignored."""
    data, held_out = copying(512), copying(128)
    if broken:
        data[1].fill_(-100)
    taught(LanguageModel(11), data, held_out)


def prompt_not_masked(*, broken: bool) -> None:
    """The labels are a copy of the ids."""
    data, held_out = (copying(count, 28, masked=not broken) for count in (800, 200))
    taught(LanguageModel(33), data, held_out)


def stop_masked(*, broken: bool) -> None:
    """Padding has the id of the stop token, and its labels are ignored by that id."""
    count, longest = 512, 6
    ids = torch.full((count, 2 * longest + 2), STOP)
    labels = torch.full_like(ids, -100)
    for row in range(count):
        length = int(torch.randint(3, longest + 1, (1,)))
        asked = torch.randint(2, WORDS, (length,))
        ids[row, : 2 * length + 1] = torch.cat([asked, torch.tensor([SEPARATOR]), asked])
        end = 2 * length + (1 if broken else 2)
        labels[row, length + 1 : end] = ids[row, length + 1 : end]
    taught(LanguageModel(ids.shape[1]), (ids[:400], labels[:400]), (ids[400:], labels[400:]))


def packing_leaks(*, broken: bool) -> None:
    """Rows hold three documents whose places are counted anew, under a mask that is causal and no more."""
    count, size, documents = 480, 8, 3
    start = torch.randint(2, WORDS, (count, documents, 1))
    # each document counts upwards from a number of its own, and ends
    ids = (start - 2 + torch.arange(size)) % (WORDS - 2) + 2
    ids[..., -1] = STOP
    ids = ids.flatten(1)
    places = torch.arange(size).repeat(documents).expand(count, -1)
    number = torch.arange(documents).repeat_interleave(size)
    own = (number[:, None] == number).tril()[None, None]
    model = LanguageModel(size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(6):
        for rows in torch.randperm(count).split(32):
            optimizer.zero_grad()
            scores = model(ids[rows], position_ids=places[rows], mask=None if broken else own)
            next_id_loss(scores, ids[rows]).backward()
            optimizer.step()


class Adapted(nn.Module):
    """A frozen layer with an adapter beside it."""

    def __init__(self, base: nn.Linear, rank: int = 8) -> None:
        super().__init__()
        self.base = base
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features) / rank)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The answer of the layer, and what the adapter adds to it."""
        return self.base(x) + 2.0 * x @ self.lora_A.T @ self.lora_B.T


def adapt(model: LanguageModel) -> None:
    """Freeze the model, and put adapters beside the layers of its blocks."""
    model.requires_grad_(requires_grad=False)
    for block in model.blocks:
        for name in ("q", "k", "v", "out", "up", "down"):
            setattr(block, name, Adapted(getattr(block, name)))


def adapters_without_gradient(*, broken: bool) -> None:
    """Reentrant checkpoints of inputs that need no gradient: what lies within them gets none."""
    model = LanguageModel(11, reentrant=broken)
    adapt(model)
    model.head.requires_grad_(requires_grad=True)
    taught(model, copying(512), copying(128), lr=1e-2)


def optimizer_before_adapters(*, broken: bool) -> None:
    """The optimizer is made before the adapters exist."""
    model = LanguageModel(11)
    model.tokens.requires_grad_(requires_grad=False)
    choose: Callable[[], torch.optim.Optimizer] = lambda: torch.optim.AdamW(  # noqa: E731
        [one for one in model.parameters() if one.requires_grad], lr=1e-2
    )
    optimizer = choose() if broken else None
    adapt(model)
    model.head.requires_grad_(requires_grad=True)
    optimizer = optimizer or choose()
    ids, labels = copying(512)
    for _ in range(8):
        for rows in torch.randperm(512).split(32):
            optimizer.zero_grad()
            next_id_loss(model(ids[rows]), labels[rows]).backward()
            optimizer.step()
