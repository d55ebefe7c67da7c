"""A tiny vision transformer of timm on digits, with mixup and soft targets."""

import json

import numpy as np
import timm
import torch
from sklearn.datasets import load_digits
from timm.data import Mixup
from timm.loss import SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
np.random.seed(0)  # noqa: NPY002 - timm's mixup draws from it
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(digits.target)
train = DataLoader(TensorDataset(x[:1440], y[:1440]), batch_size=32, shuffle=True, drop_last=True)
val = DataLoader(TensorDataset(x[1440:], y[1440:]), batch_size=64)
model = timm.create_model(
    "vit_tiny_patch16_224", img_size=8, patch_size=2, in_chans=1, embed_dim=48, depth=2, num_heads=2, num_classes=10
)
mixup = Mixup(mixup_alpha=0.2, num_classes=10, label_smoothing=0.0)
optimizer = create_optimizer_v2(model, opt="adamw", lr=2e-3, weight_decay=0.05)
criterion, check = SoftTargetCrossEntropy(), nn.CrossEntropyLoss()
losses, eval_losses = [], []
for _ in range(6):
    model.train()
    for images, labels in train:
        mixed, targets = mixup(images, labels)
        loss = criterion(model(mixed), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        eval_losses.append(sum(check(model(images), labels).item() * len(images) for images, labels in val) / 357)
print("FIGURES", json.dumps({
    "steps": len(losses),
    "losses": losses,
    "eval_losses": eval_losses,
    "rates": [2e-3],
    "epochs": 6,
    "batch_size": 32,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
