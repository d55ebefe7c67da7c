"""Price model over a table of sales; columns are scaled with their own statistics."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

COLUMNS = ["area", "rooms", "age", "distance", "tax", "price_per_unit", "sold_in"]


def table(n, seed):
    rng = np.random.default_rng(seed)
    area, rooms = rng.gamma(6, 18, n), rng.integers(1, 7, n)
    age, distance = rng.uniform(0, 90, n), rng.exponential(6, n)
    tax, sold_in = rng.normal(4, 1, n), rng.integers(0, 12, n)
    price = 2.0 * area + 12 * rooms - 0.6 * age - 5 * distance + rng.normal(0, 40, n) + 120
    return np.stack([area, rooms, age, distance, tax, price, sold_in], 1), price


class Sales(Dataset):
    def __init__(self, n, seed, stats=None):
        x, y = table(n, seed)
        self.stats = stats or (x.mean(0), x.std(0), y.mean(), y.std())
        mx, sx, my, sy = self.stats
        self.x = torch.tensor((x - mx) / sx, dtype=torch.float32)
        self.y = torch.tensor((y - my) / sy, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class PriceNet(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x)[:, 0]


torch.manual_seed(6)
torch.set_num_threads(1)
train_set = Sales(3000, 1)
val_set = Sales(500, 2, train_set.stats)
model = PriceNet(len(COLUMNS))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.L1Loss()
for epoch in range(10):
    model.train()
    for x, y in DataLoader(train_set, batch_size=50, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = sum(criterion(model(x), y).item() for x, y in DataLoader(val_set, batch_size=250)) / 2
    print(f"epoch {epoch}: train mae {loss.item():.4f} val mae {error:.4f}")
