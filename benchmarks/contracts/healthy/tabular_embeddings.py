"""Tabular data: embeddings for categories, standardized numbers, several losses weighted alike."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(3)
torch.manual_seed(3)
torch.set_num_threads(1)

CARD = {"city": 12, "device": 4, "plan": 3}


class Customers(Dataset):
    """Whether a customer buys, and for how much."""

    effects = {k: rng.normal(0, 1.2, n) for k, n in CARD.items()}

    def __init__(self, n):
        self.cat = np.stack([rng.integers(0, c, n) for c in CARD.values()], 1)
        age, visits = rng.uniform(18, 80, n), rng.poisson(5, n)
        self.num = np.stack([(age - 49) / 18, (visits - 5) / 2.2], 1).astype("float32")
        score = sum(e[self.cat[:, i]] for i, e in enumerate(self.effects.values()))
        score = score + self.num[:, 1] - 0.8 * self.num[:, 0] ** 2 + 0.5
        self.buys = (score + rng.normal(0, 0.3, n) > 0).astype("float32")
        self.amount = (0.5 * score + 0.1 * rng.normal(0, 1, n)).astype("float32")

    def __len__(self):
        return len(self.num)

    def __getitem__(self, i):
        return {"cat": self.cat[i], "num": self.num[i], "buys": self.buys[i], "amount": self.amount[i]}


class TabularNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embs = nn.ModuleDict({k: nn.Embedding(n, 4) for k, n in CARD.items()})
        self.body = nn.Sequential(nn.Linear(4 * len(CARD) + 2, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.cls, self.reg = nn.Linear(32, 1), nn.Linear(32, 1)

    def forward(self, batch):
        parts = [emb(batch["cat"][:, i]) for i, emb in enumerate(self.embs.values())]
        h = self.body(torch.cat([*parts, batch["num"]], dim=1))
        return self.cls(h)[:, 0], self.reg(h)[:, 0]


model = TabularNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
bce, mse = nn.BCEWithLogitsLoss(), nn.MSELoss()
train, valid = DataLoader(Customers(3000), 75, shuffle=True), DataLoader(Customers(600), 200)
for epoch in range(8):
    model.train()
    for batch in train:
        logit, amount = model(batch)
        loss = bce(logit, batch["buys"]) + mse(amount, batch["amount"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    hits, err = 0, 0.0
    with torch.no_grad():
        for batch in valid:
            logit, amount = model(batch)
            hits += ((logit > 0).float() == batch["buys"]).sum().item()
            err += mse(amount, batch["amount"]).item() / len(valid)
    print(f"epoch {epoch}: loss {loss.item():.3f} acc {hits / 600:.3f} mse of amount {err:.4f}")
