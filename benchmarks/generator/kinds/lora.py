"""Low-rank adapters, written by hand, on a frozen network that was trained for a related task."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
x = torch.randn(1600, 24)
before = torch.randn(24, 5)
after = before + 0.7 * torch.randn(24, 2) @ torch.randn(2, 5)
base = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
first = torch.optim.Adam(base.parameters(), lr=3e-3)
for _ in range(400):
    i = torch.randint(0, 1300, (64,))
    first.zero_grad()
    F.cross_entropy(base(x[i]), (x[i] @ before).argmax(1)).backward()
    first.step()
del first


class LoRALinear(nn.Module):
    def __init__(self, linear, rank):
        super().__init__()
        self.linear = linear
        self.a = nn.Parameter(torch.randn(rank, linear.in_features) / rank)
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank))
        if FAULT == "both_zero":
            nn.init.zeros_(self.a)

    def forward(self, x):
        low = F.linear(F.linear(x, self.a), self.b)
        return self.linear(x) + (low.detach() if FAULT == "detached" else low)


for p in base.parameters():
    p.requires_grad_(False)
early = torch.optim.AdamW(base.parameters(), lr=1e-2)
rank = random.choice([4, 8])
for k in (0, 2, 4):
    base[k] = LoRALinear(base[k], rank)
trained = [p for p in base.parameters() if p.requires_grad]
rate = random.uniform(4e-3, 1e-2) * (0.002 if FAULT == "lr_of_full" else 1)
optimizer = early if FAULT == "optimizer_early" else torch.optim.AdamW(trained, lr=rate)
goal = (x @ after).argmax(1)
for epoch in range(15):
    base.train()
    for i in torch.randperm(1300).split(32):
        loss = F.cross_entropy(base(x[i]), goal[i])
        if FAULT == "detached":
            loss = loss.detach().requires_grad_()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    base.eval()
    with torch.no_grad():
        out = base(x[1300:])
        accuracy = (out.argmax(1) == goal[1300:]).float().mean().item()
    if epoch % 3 == 2:
        print(f"epoch {epoch} loss {loss.item():.4f} val {F.cross_entropy(out, goal[1300:]).item():.4f} {accuracy:.3f}")
print("RESULT", json.dumps({"skill": (accuracy - 0.2) / 0.8, "train_loss": loss.item(), "history": []}))
