"""Ten to a hundred steps, as in a tutorial or a smoke test."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
steps, batch = [10, 30, 60, 100][SEED % 4], random.choice([8, 32, 64])
n = steps * batch
x = torch.randn(n + 200, 10)
y = (x[:, 0] - 0.5 * x[:, 1] > 0).long()
width = random.choice([16, 64])
net = nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 2))
rate = random.uniform(5e-3, 2e-2)
optimizer = torch.optim.Adam(net.parameters(), lr=rate)
if FAULT == "head_replaced":
    net[2] = nn.Linear(width, 2)
for step, i in enumerate(torch.randperm(n).split(batch)):
    out = net(x[i])
    if FAULT == "softmax":
        out = out.softmax(1)
    loss = F.cross_entropy(out, y[i])
    if FAULT == "log_of_zero":
        loss = loss + torch.log(torch.relu(out[:, 0]).min() * 0).clamp(min=-1e30) * (step > steps // 2)
    optimizer.zero_grad()
    loss.backward()
    if FAULT != "missing_step":
        optimizer.step()
    if step % 10 == 0:
        print(f"step {step} loss {loss.item():.4f}")
net.eval()
with torch.no_grad():
    accuracy = (net(x[n:]).argmax(1) == y[n:]).float().mean().item()
print(f"accuracy {accuracy:.3f}")
print("RESULT", json.dumps({"skill": 2 * accuracy - 1, "train_loss": loss.item(), "history": []}))
