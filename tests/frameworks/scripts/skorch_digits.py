"""A small network on digits, by skorch."""

import json

import torch
from sklearn.datasets import load_digits
from skorch import NeuralNetClassifier
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x, y = digits.data.astype("float32") / 16, digits.target


class Digits(nn.Module):
    """Two layers."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x):
        return self.net(x)


net = NeuralNetClassifier(
    Digits, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=2e-3, batch_size=32, max_epochs=6,
    iterator_train__shuffle=True,
)  # fmt: skip
net.fit(x, y)
rows = net.history
print("FIGURES", json.dumps({
    "steps": sum(len(row["batches"]) - sum("valid_loss" in b and "train_loss" not in b for b in row["batches"])
                 for row in rows),
    "losses": [b["train_loss"] for row in rows for b in row["batches"] if "train_loss" in b],
    "eval_losses": [row["valid_loss"] for row in rows if "valid_loss" in row],
    "rates": [2e-3],
    "epochs": 6,
    "batch_size": 32,
    "parameters": sum(p.numel() for p in net.module_.parameters()),
}))  # fmt: skip
