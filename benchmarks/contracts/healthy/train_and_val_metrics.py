"""Diabetes progression; after each epoch the error on training and validation data is reported."""

from dataclasses import dataclass

import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Config:
    lr: float = 2e-3
    batch: int = 64
    epochs: int = 20
    width: int = 64
    seed: int = 9


cfg = Config()
torch.manual_seed(cfg.seed)
torch.set_num_threads(1)

x, y = make_friedman1(n_samples=2500, n_features=8, noise=0.5, random_state=cfg.seed)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).view(-1, 1)
y = (y - y.mean()) / y.std()
train_ds, val_ds = random_split(TensorDataset(x, y), [2000, 500])
train_loader = DataLoader(train_ds, batch_size=cfg.batch, shuffle=True)
val_loader = DataLoader(val_ds, batch_size=250)


def evaluate(model, loader):
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for xb, yb in loader:
            total += nn.functional.mse_loss(model(xb), yb, reduction="sum").item()
            count += len(xb)
    return total / count


model = nn.Sequential(
    nn.Linear(8, cfg.width), nn.SiLU(), nn.Linear(cfg.width, cfg.width), nn.SiLU(), nn.Linear(cfg.width, 1)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
for epoch in range(1, cfg.epochs + 1):
    model.train()
    for xb, yb in train_loader:
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    train_mse, val_mse = evaluate(model, train_loader), evaluate(model, val_loader)
    scheduler.step(val_mse)
    print(f"{epoch:3d} train mse {train_mse:.4f} val mse {val_mse:.4f}")
