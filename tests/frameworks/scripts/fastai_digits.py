"""A small network on digits, by fastai."""

import json
import random

import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from sklearn.datasets import load_digits
from torch import nn

random.seed(0)  # of which fastai shuffles
torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
pairs = list(zip(x, y, strict=True))
loaders = DataLoaders(DataLoader(pairs[:1440], bs=32, shuffle=True, drop_last=True), DataLoader(pairs[1440:], bs=64))
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
losses = []


class Losses(Callback):
    """Keeps the loss of every batch: the recorder of fastai smooths them."""

    def after_loss(self):
        if self.training:
            losses.append(float(self.loss))


learner = Learner(loaders, model, loss_func=CrossEntropyLossFlat(), metrics=accuracy, cbs=Losses())
learner.fit(6, lr=2e-3)
print("FIGURES", json.dumps({
    "steps": len(losses),
    "losses": losses,
    "eval_losses": [float(row[1]) for row in learner.recorder.values],
    "eval_accuracies": [float(row[2]) for row in learner.recorder.values],
    "rates": [2e-3],
    "epochs": 6,
    "batch_size": 32,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
