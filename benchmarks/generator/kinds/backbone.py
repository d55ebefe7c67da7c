"""A backbone is saved after one task and loaded for another, with a new head."""

import io
import json
import random
import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
digits = load_digits()
x, y = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None], torch.tensor(digits.target)
order = torch.randperm(len(x))
old, train, val = order[:900], order[900:1050], order[1050:]


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten()
        )

    def forward(self, x):
        return self.features(x)


class Classifier(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.backbone, self.head = Backbone(), nn.Linear(128, classes)

    def forward(self, x):
        return self.head(self.backbone(x))


pretrained = Classifier(10)
first = torch.optim.Adam(pretrained.parameters(), lr=3e-3)
for _ in range(6):
    for i in old[torch.randperm(len(old))].split(32):
        first.zero_grad()
        F.cross_entropy(pretrained(x[i]), y[i]).backward()
        first.step()
file = io.BytesIO()
torch.save((pretrained if FAULT == "prefix" else pretrained.backbone).state_dict(), file)
del pretrained, first
file.seek(0)

odd = (y % 2).long()
model = Classifier(2)
model.backbone.load_state_dict(torch.load(file), strict=FAULT != "prefix")
frozen = FAULT == "prefix" or random.random() < 0.5
for p in model.backbone.parameters():
    p.requires_grad_(not frozen)
if FAULT == "not_normalized":
    x = x * 255
if FAULT == "head_forgotten":
    optimizer = torch.optim.Adam(model.backbone.parameters(), lr=1e-3)
    model.backbone.requires_grad_()
    nn.init.zeros_(model.head.weight)
else:
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=random.uniform(1e-3, 4e-3))
for epoch in range(20):
    model.train()
    for i in train[torch.randperm(len(train))].split(16):
        loss = F.cross_entropy(model(x[i]), odd[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(x[val])
        accuracy = (out.argmax(1) == odd[val]).float().mean().item()
    if epoch % 4 == 3:
        print(f"epoch {epoch} loss {loss.item():.4f} val {F.cross_entropy(out, odd[val]).item():.4f} {accuracy:.3f}")
print("RESULT", json.dumps({"skill": 2 * accuracy - 1, "train_loss": loss.item(), "history": []}))
