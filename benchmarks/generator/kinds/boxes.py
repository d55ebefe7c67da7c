"""A detector's sum of losses: the class, the place and a penalty."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
N, KINDS = 1200, 4
shapes = torch.randn(KINDS, 12)
kind, place = torch.randint(0, KINDS, (N,)), torch.rand(N, 4)
mix = torch.randn(4, 12)
x = shapes[kind] + place @ mix + 0.3 * torch.randn(N, 12)
data = TensorDataset(x, kind, place)
train, val = torch.utils.data.random_split(data, [1000, 200])


class Detector(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.kind, self.place = nn.Linear(width, KINDS), nn.Linear(width, 4)

    def forward(self, x):
        h = self.body(x)
        return self.kind(h), self.place(h.detach() if FAULT == "detached" else h).sigmoid()


model = Detector(random.choice([48, 96]))
optimizer = torch.optim.AdamW(model.parameters(), lr=random.uniform(1e-3, 4e-3))
pull = {"drowned": 3e-4}.get(FAULT, 5.0)
for epoch in range(25):
    model.train()
    sums = torch.zeros(2)
    for xb, kb, pb in DataLoader(train, 32, shuffle=True):
        k, p = model(xb)
        box = F.smooth_l1_loss(p, pb, beta=0.1)
        if FAULT == "no_gradient":
            box = torch.tensor(box.item(), requires_grad=True)
        penalty = 1e-4 * sum(w.pow(2).sum() for w in model.parameters())
        loss = F.cross_entropy(k, kb) + pull * box + penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sums += torch.tensor([loss.item(), box.item()])
    model.eval()
    with torch.no_grad():
        xv, kv, pv = (torch.stack(part) for part in zip(*val, strict=True))
        k, p = model(xv)
        accuracy = (k.argmax(1) == kv).float().mean().item()
        near = 1 - ((p - pv) ** 2).mean().item() / pv.var(0).mean().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch} loss {sums[0] / 32:.4f} box {sums[1] / 32:.4f} acc {accuracy:.3f} R2 {near:.3f}")
print("RESULT", json.dumps({"skill": min(accuracy, near), "train_loss": loss.item(), "history": []}))
