"""Digits by a small network, one picture at a time."""

import json
import random
import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(digits.target)
order = torch.randperm(len(x))
train, val = order[:1000], order[1000:1300]
width = random.choice([8, 16])
if random.random() < 0.5:
    model = nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(width * 16, 10)
    )
else:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4 * width), nn.ReLU(), nn.Linear(4 * width, 10))
rate = random.uniform(0.005, 0.02) * (100 if FAULT == "lr_high" else 1)
optimizer = torch.optim.SGD(model.parameters(), lr=rate)
criterion = nn.CrossEntropyLoss()
labels = y[torch.randperm(len(y))] if FAULT == "labels_shuffled" else y
for epoch in range(3):
    model.train()
    total = 0.0
    for i in train[torch.randperm(len(train))].tolist():
        if FAULT != "missing_zero_grad":
            optimizer.zero_grad()
        loss = criterion(model(x[i : i + 1]), labels[i : i + 1])
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        right = sum((model(x[i : i + 1]).argmax(1) == y[i]).item() for i in val.tolist())
    print(f"epoch {epoch} loss {total / len(train):.4f} accuracy {right / len(val):.3f}")
print("RESULT", json.dumps({"skill": (right / len(val) - 0.1) / 0.9, "train_loss": total / len(train), "history": []}))
