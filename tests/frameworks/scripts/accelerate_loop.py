"""A small network on digits, in a loop of its own with Accelerate."""

import json

import torch
import torch.nn.functional as F
from accelerate import Accelerator
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
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=270)

accelerator = Accelerator(gradient_accumulation_steps=2, cpu=True)
model, optimizer, train, val, scheduler = accelerator.prepare(model, optimizer, train, val, scheduler)
losses, rates, eval_losses, micro = [], [], [], []
for _ in range(6):
    model.train()
    for images, labels in train:
        with accelerator.accumulate(model):
            loss = F.cross_entropy(model(images), labels)
            accelerator.backward(loss)
            micro.append(loss.item())
            if accelerator.sync_gradients:
                losses.append(sum(micro) / len(micro))
                rates.append(optimizer.param_groups[0]["lr"])
                micro = []
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        total = sum(F.cross_entropy(model(images), labels, reduction="sum").item() for images, labels in val)
    eval_losses.append(total / 357)
print("FIGURES", json.dumps({
    "steps": len(losses),
    "losses": losses,
    "rates": rates,
    "eval_losses": eval_losses,
    "epochs": 6,
    "batch_size": 16,
    "micro": 2,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
