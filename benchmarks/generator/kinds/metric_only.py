"""Digits; the evaluation computes the accuracy by argmax and no loss."""

import json
import random
import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
digits = load_digits()
x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
order = torch.randperm(len(x))
train, val = order[:1300], order[1300:]
targets = torch.roll(y, 7) if FAULT == "labels_misaligned" else y
loader = DataLoader(TensorDataset(x[train], targets[train]), batch_size=random.choice([16, 32]), shuffle=True)
x_val = x[val] * 16 if FAULT == "val_unscaled" else x[val]
val_loader = DataLoader(TensorDataset(x_val, y[val]), batch_size=100)


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one, self.two = nn.Linear(64, width), nn.Linear(width, 10)

    def forward(self, x):
        h = F.relu(self.one(x))
        h = F.dropout(h, 0.7) if FAULT == "functional_dropout" else F.dropout(h, 0.3, training=self.training)
        return self.two(h)


net = Net(random.choice([48, 96]))
optimizer = torch.optim.Adam(net.parameters(), lr=random.uniform(1e-3, 4e-3))
for epoch in range(8):
    net.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(xb), yb)
        loss.backward()
        optimizer.step()
    net.eval()
    right = 0
    with torch.no_grad():
        for xb, yb in val_loader:
            right += (net(xb).argmax(1) == yb).sum().item()
    accuracy = right / len(val)
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.3f}")
print("RESULT", json.dumps({"skill": (accuracy - 0.1) / 0.9, "train_loss": loss.item(), "history": []}))
