"""An iterable data set without a length, read as a stream; evaluation every hundred steps."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
centers = torch.randn(6, 16)


class Stream(IterableDataset):
    def __init__(self, n, offset=0.0):
        self.n, self.offset = n, offset

    def __iter__(self):
        one = torch.randint(0, 6, ()).item()
        for k in range(self.n):
            y = torch.randint(0, 6, ()).item()
            if FAULT == "sorted" and self.n > 1000:
                y = 6 * k // self.n
            x = centers[y] + 0.9 * torch.randn(16)
            if FAULT == "constant" and self.n > 1000:
                x, y = centers[one].clone(), k % 6
            yield x + self.offset, y


width, batch = random.choice([32, 64]), random.choice([16, 32])
loader = DataLoader(Stream(450 * batch), batch_size=batch)
val = list(DataLoader(Stream(400, 6.0 if FAULT == "val_shifted" else 0.0), batch_size=100))
net = nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, 6))
optimizer = torch.optim.AdamW(net.parameters(), lr=random.uniform(1e-3, 4e-3))
for step, (xb, yb) in enumerate(loader):
    net.train()
    loss = F.cross_entropy(net(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99 or step == 449:
        net.eval()
        with torch.no_grad():
            outs = [(net(xv), yv) for xv, yv in val]
            val_loss = sum(F.cross_entropy(o, yv).item() for o, yv in outs) / len(outs)
            accuracy = sum((o.argmax(1) == yv).sum().item() for o, yv in outs) / 400
        print(f"step {step} loss {loss.item():.4f} val {val_loss:.4f} accuracy {accuracy:.3f}")
print("RESULT", json.dumps({"skill": (accuracy - 1 / 6) * 1.2, "train_loss": loss.item(), "history": []}))
