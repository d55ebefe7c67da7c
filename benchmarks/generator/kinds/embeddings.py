"""Words or nodes by embeddings alone: skip-gram with negative sampling on a graph of groups."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
NODES, GROUPS = random.choice([(200, 8), (400, 10)])
group = torch.arange(NODES) % GROUPS
size = random.choice([16, 32])
center, context = nn.Embedding(NODES, size), nn.Embedding(NODES, size)
nn.init.uniform_(center.weight, -0.5, 0.5)
nn.init.zeros_(context.weight)
if FAULT == "both_zero":
    nn.init.zeros_(center.weight)
if FAULT == "frozen":
    center = nn.Embedding.from_pretrained(center.weight.data)
    context = nn.Embedding.from_pretrained(torch.randn(NODES, size), freeze=False)
rate = random.uniform(0.005, 0.02) * (0.002 if FAULT == "lr_low" else 1)
optimizer = torch.optim.Adam([*center.parameters(), *context.parameters()], lr=rate)
batch = random.choice([64, 256])


def neighbors(u):
    """A neighbor is of the same group nine times out of ten."""
    v = torch.randint(0, NODES // GROUPS, u.shape) * GROUPS + group[u]
    return torch.where(torch.rand(u.shape) < 0.9, v, torch.randint(0, NODES, u.shape))


for step in range(1500):
    u = torch.randint(0, NODES, (batch,))
    v, bad = neighbors(u), torch.randint(0, NODES, (batch, 5))
    good = (center(u) * context(v)).sum(1)
    wrong = (center(u)[:, None] * context(bad)).sum(2)
    loss = -F.logsigmoid(good).mean()
    if FAULT != "no_negatives":
        loss = loss - F.logsigmoid(-wrong).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 300 == 0:
        print(f"step {step} loss {loss.item():.4f}")
with torch.no_grad():
    e = F.normalize(center.weight, dim=1)
    near = (e @ e.T - 2 * torch.eye(NODES)).topk(5, 1).indices
    score = (group[near] == group[:, None]).float().mean().item()
print(f"neighbors of the same group {score:.3f}")
print(
    "RESULT", json.dumps({"skill": (score - 1 / GROUPS) / (1 - 1 / GROUPS), "train_loss": loss.item(), "history": []})
)
