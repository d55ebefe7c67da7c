"""Five-fold cross-validation over one data set: a new model and optimizer for each fold."""

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(42)

raw = load_wine()
features = torch.tensor(raw.data, dtype=torch.float32)
features = (features - features.mean(0)) / features.std(0)
dataset = TensorDataset(features, torch.tensor(raw.target))


def build():
    net = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
    return net, torch.optim.Adam(net.parameters(), lr=3e-3)


def fit(net, opt, loader, epochs=25):
    net.train()
    for _ in range(epochs):
        for x, t in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), t)
            loss.backward()
            opt.step()
    return loss.item()


@torch.no_grad()
def score(net, loader):
    net.eval()
    return np.mean([(net(x).argmax(1) == t).float().mean().item() for x, t in loader])


folds = StratifiedKFold(5, shuffle=True, random_state=0)
scores = []
for fold, (tr, va) in enumerate(folds.split(raw.data, raw.target)):
    train_loader = DataLoader(Subset(dataset, tr.tolist()), batch_size=16, shuffle=True)
    val_loader = DataLoader(Subset(dataset, va.tolist()), batch_size=len(va))
    net, opt = build()
    final = fit(net, opt, train_loader)
    scores.append(score(net, val_loader))
    print(f"fold {fold}: final loss {final:.4f}, accuracy {scores[-1]:.3f}")
print(f"cv accuracy {np.mean(scores):.3f} +- {np.std(scores):.3f}")
