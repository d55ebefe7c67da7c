"""A small language model whose forward returns the loss, as large libraries do."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
V, T = 32, 24
follow = torch.randint(1, V, (V, 3))


def sentences(n):
    """Each word has three successors."""
    ids = [torch.randint(1, V, (n,))]
    for _ in range(T - 1):
        ids.append(follow[ids[-1], torch.randint(0, 3, (n,))])
    return torch.stack(ids, 1)


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.emb, self.pos = nn.Embedding(V, width), nn.Parameter(0.02 * torch.randn(T, width))
        self.block = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.1, batch_first=True)
        self.head = nn.Linear(width, V)

    def forward(self, ids, labels=None):
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        logits = self.head(self.block(self.emb(ids) + self.pos[: ids.shape[1]], src_mask=mask, is_causal=True))
        if labels is None:
            return None, logits
        if FAULT == "not_shifted":
            return F.cross_entropy(logits.flatten(0, 1), labels.flatten()), logits
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100), logits


train, val = sentences(800), sentences(150)
model = Model(random.choice([32, 48]))
rate = random.uniform(2e-3, 5e-3) * (300 if FAULT == "lr_high" else 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
for epoch in range(8):
    model.train()
    for i in torch.randperm(len(train)).split(32):
        labels = train[i].clone()
        if FAULT == "masked":
            labels[torch.rand(labels.shape) < 0.995] = -100
        loss, _ = model(train[i], labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = model(val, val)[0].item()
        logits = model(val)[1]
    print(f"epoch {epoch} loss {loss.item():.4f} val {val_loss:.4f}")
true = F.cross_entropy(logits[:, :-1].flatten(0, 1), val[:, 1:].flatten()).item()
floor, chance = 1.1, 3.43
print("RESULT", json.dumps({"skill": (chance - true) / (chance - floor), "train_loss": loss.item(), "history": []}))
