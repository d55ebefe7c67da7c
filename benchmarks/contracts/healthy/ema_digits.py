import copy

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
np.random.seed(3)
torch.set_num_threads(1)


class ModelEMA:
    """Moving average of a model; the buffers are copied as they are."""

    def __init__(self, model, decay=0.98):
        self.module = copy.deepcopy(model).eval()
        for p in self.module.parameters():
            p.requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model):
        self.updates += 1
        d = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for e, p in zip(self.module.parameters(), model.parameters(), strict=True):
            e.lerp_(p, 1 - d)
        for e, b in zip(self.module.buffers(), model.buffers(), strict=True):
            e.copy_(b)


def conv(i, o, s):
    return nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())


def accuracy(net, loader):
    net.eval()
    hits = n = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (net(x).argmax(1) == y).sum().item()
            n += len(y)
    return hits / n


x, y = load_digits(return_X_y=True)
x = torch.tensor(x / 16.0, dtype=torch.float32).reshape(-1, 1, 8, 8)
y = torch.tensor(y)
xt, xv, yt, yv = train_test_split(x, y, test_size=0.25, stratify=y, random_state=3)
loader = DataLoader(TensorDataset(xt, yt), 64, shuffle=True, drop_last=True)
valid = DataLoader(TensorDataset(xv, yv), 128)

net = nn.Sequential(conv(1, 16, 1), conv(16, 32, 2), conv(32, 32, 2), nn.Flatten(), nn.Linear(128, 10))
ema = ModelEMA(net)
opt = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
for epoch in range(8):
    net.train()
    running = 0
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(net(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        ema.update(net)
        running += loss.item()
    print(f"{epoch} loss {running:.4f} acc {accuracy(net, valid):.3f} ema {accuracy(ema.module, valid):.3f}")
