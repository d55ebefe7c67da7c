"""Bags of words as sparse, row-normalized inputs: a linear or a small network on documents of topics."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
WORDS, TOPICS, DOCS = 1000, 5, 1500
usage = torch.softmax(1.2 * torch.randn(TOPICS, WORDS), 1)
y = torch.randint(0, TOPICS, (DOCS,))
counts = torch.zeros(DOCS, WORDS)
for k in range(DOCS):
    counts[k].index_add_(0, torch.multinomial(usage[y[k]], 40, replacement=True), torch.ones(40))
idf = torch.log(DOCS / (1 + (counts > 0).sum(0).float()))
x = F.normalize(counts * idf, dim=1)
if FAULT == "rows_misaligned":
    x[:1200] = x[torch.randperm(1200)]
if FAULT == "val_raw":
    x[1200:] = counts[1200:] * 30
net = nn.Linear(WORDS, TOPICS) if random.random() < 0.5 else nn.Sequential(
    nn.Linear(WORDS, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, TOPICS)
)  # fmt: skip
rate = random.uniform(5e-3, 2e-2)
if FAULT == "lr_low":
    optimizer = torch.optim.SGD(net.parameters(), lr=rate * 0.1)
else:
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
for epoch in range(12):
    net.train()
    for i in torch.randperm(1200).split(32):
        loss = F.cross_entropy(net(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        out = net(x[1200:])
        accuracy = (out.argmax(1) == y[1200:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} val {F.cross_entropy(out, y[1200:]).item():.4f} {accuracy:.3f}")
print("RESULT", json.dumps({"skill": (accuracy - 0.2) / 0.8, "train_loss": loss.item(), "history": []}))
