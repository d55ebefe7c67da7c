"""Credit scoring; training and validation rows are drawn as subsets of one table."""

import numpy as np
import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset


class Applicants(Dataset):
    def __init__(self, seed=3):
        x, y = make_classification(2200, 24, n_informative=6, n_clusters_per_class=4, flip_y=0.2, random_state=seed)
        self.features = torch.from_numpy(x).float()
        self.default = torch.from_numpy(y).float()

    def __len__(self):
        return len(self.default)

    def __getitem__(self, i):
        return {"features": self.features[i], "default": self.default[i]}


class Scorer(nn.Module):
    def __init__(self, n, width=160):
        super().__init__()
        self.stack = nn.Sequential(
            nn.Linear(n, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
        )
        self.criterion = nn.BCEWithLogitsLoss()

    def forward(self, features, default=None):
        logit = self.stack(features).squeeze(-1)
        return (logit, self.criterion(logit, default)) if default is not None else logit


def split(dataset, n_train, n_val, seed):
    rng = np.random.default_rng(seed)
    train = rng.choice(len(dataset), n_train, replace=False)
    val = rng.choice(len(dataset), n_val, replace=False)
    return Subset(dataset, train.tolist()), Subset(dataset, val.tolist())


torch.manual_seed(3)
torch.set_num_threads(1)
people = Applicants()
train_set, val_set = split(people, 1760, 440, seed=3)
train_loader, val_loader = DataLoader(train_set, 64, shuffle=True), DataLoader(val_set, 220)
model = Scorer(24)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(30):
    model.train()
    for row in train_loader:
        _, loss = model(**row)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        model.eval()
        losses, hits = [], 0
        with torch.no_grad():
            for row in val_loader:
                logit, val_loss = model(**row)
                losses.append(val_loss.item())
                hits += ((logit > 0).float() == row["default"]).sum().item()
        print(
            f"{epoch + 1} train loss {loss.item():.4f} val loss {np.mean(losses):.4f} val acc {hits / len(val_set):.4f}"
        )
