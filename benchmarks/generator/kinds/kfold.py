"""Five folds over one table, a new network for each."""

import json
import random
import sys

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from torch import nn

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
table = load_breast_cancer()
x, y = torch.tensor(table.data, dtype=torch.float32), torch.tensor(table.target, dtype=torch.float32)[:, None]
rate, width, scores = random.uniform(1e-3, 5e-3), random.choice([16, 32]), []
criterion = nn.BCEWithLogitsLoss()
model = None
for fold, (train, val) in enumerate(
    StratifiedKFold(5, shuffle=True, random_state=SEED).split(table.data, table.target)
):
    train, val = torch.tensor(train), torch.tensor(val)
    mean, std = x[train].mean(0), x[train].std(0)
    xt, xv = (x[train] - mean) / std, (x[val] - mean) / std
    if FAULT == "val_unscaled":
        xv = x[val]
    yt = y[train][torch.randperm(len(train))] if FAULT == "labels_shuffled" and fold > 1 else y[train]
    if FAULT != "carried_over" or model is None:
        model = nn.Sequential(nn.Linear(30, width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate * (0.002 if FAULT == "lr_low" else 1))
    for _ in range(15):
        model.train()
        for i in torch.randperm(len(train)).split(32):
            loss = criterion(model(xt[i]), yt[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            out = model(xv)
            val_loss = criterion(out, y[val]).item()
    scores.append(((out > 0) == (y[val] > 0.5)).float().mean().item())
    print(f"fold {fold} loss {loss.item():.4f} val {val_loss:.4f} accuracy {scores[-1]:.3f}")
print("RESULT", json.dumps({"skill": (min(scores) - 0.63) / 0.37, "train_loss": loss.item(), "history": []}))
