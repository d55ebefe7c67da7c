"""A small network on digits, in a loop of its own with Lightning Fabric."""

import json

import torch
import torch.nn.functional as F
from lightning.fabric import Fabric
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
train = DataLoader(TensorDataset(x[:1440], y[:1440]), batch_size=16, shuffle=True)
val = DataLoader(TensorDataset(x[1440:], y[1440:]), batch_size=64)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)

fabric = Fabric(accelerator="cpu", devices=1)
fabric.launch()
model, optimizer = fabric.setup(model, optimizer)
train, val = fabric.setup_dataloaders(train, val)
losses, eval_losses, micro = [], [], []
for _ in range(6):
    model.train()
    for number, (images, labels) in enumerate(train):
        accumulating = number % 2 == 0
        with fabric.no_backward_sync(model, enabled=accumulating):
            loss = F.cross_entropy(model(images), labels)
            fabric.backward(loss / 2)
            micro.append(loss.item())
        if not accumulating:
            losses.append(sum(micro) / len(micro))
            micro = []
            fabric.clip_gradients(model, optimizer, max_norm=5.0)
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        total = sum(F.cross_entropy(model(images), labels, reduction="sum").item() for images, labels in val)
    eval_losses.append(total / 357)
print("FIGURES", json.dumps({
    "steps": len(losses),
    "losses": losses,
    "rates": [2e-3],
    "eval_losses": eval_losses,
    "epochs": 6,
    "batch_size": 16,
    "micro": 2,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
