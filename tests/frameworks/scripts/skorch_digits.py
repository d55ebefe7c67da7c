"""A small network on digits, by skorch."""

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
