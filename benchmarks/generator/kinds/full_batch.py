"""Regression with the whole data in each step, as in physics and small tables."""

import json
import random
import sys

import torch
from torch import nn

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
n = random.choice([150, 400])
x = torch.rand(n + 100, 4) * 2 - 1
y = torch.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2] - 0.5 * x[:, 3] ** 2 + 0.05 * torch.randn(n + 100)
if FAULT == "inputs_unscaled":
    x = x * 1000 + 3000
if FAULT == "targets_unscaled":
    y = y * 3000 + 20000
x, y, x_val, y_val = x[:n], y[:n], x[n:], y[n:]
width = random.choice([32, 64])
model = nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))
lbfgs = SEED % 3 == 0
optimizer = (
    torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=10)
    if lbfgs
    else torch.optim.Adam(model.parameters(), lr=random.uniform(3e-3, 1e-2))
)


def closure():
    optimizer.zero_grad()
    out = model(x)
    error = out - y if FAULT == "broadcast" else out.squeeze(1) - y
    loss = (error**2).mean()
    loss.backward()
    return loss


for step in range(40 if lbfgs else 900):
    loss = optimizer.step(closure)
    if step % (10 if lbfgs else 100) == 0:
        print(step, loss.item())
with torch.no_grad():
    error = ((model(x_val).squeeze(1) - y_val) ** 2).mean().item()
skill = 1 - error / y_val.var().item()
print(f"validation error {error:.4f}, R2 {skill:.3f}")
print("RESULT", json.dumps({"skill": skill, "train_loss": loss.item(), "history": []}))
