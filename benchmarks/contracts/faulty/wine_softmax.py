"""Wine cultivars with a hand-written focal loss."""

import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn


class FocalLoss(nn.Module):
    def __init__(self, gamma=1.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, scores, target):
        logp = torch.log_softmax(scores, dim=0)
        picked = logp[torch.arange(len(target)), target]
        return (-((1 - picked.exp()) ** self.gamma) * picked).mean()


class WineNet(nn.Module):
    def __init__(self, n_in=13, n_out=3):
        super().__init__()
        self.layer1 = nn.Linear(n_in, 24)
        self.layer2 = nn.Linear(24, n_out)

    def forward(self, x):
        return self.layer2(torch.tanh(self.layer1(x)))


def batches(x, y, size, rng):
    order = rng.permutation(len(x))
    for at in range(0, len(x), size):
        yield x[order[at : at + size]], y[order[at : at + size]]


torch.manual_seed(2)
torch.set_num_threads(1)
rng = np.random.default_rng(2)
x, y = load_wine(return_X_y=True)
x = (x - x.mean(0)) / x.std(0)
xa, xb, ya, yb = (
    torch.tensor(a, dtype=torch.float32 if a.ndim == 2 else torch.long)
    for a in train_test_split(x, y, test_size=0.3, random_state=2, stratify=y)
)
net = WineNet()
criterion = FocalLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(60):
    net.train()
    for inputs, targets in batches(xa, ya, 16, rng):
        opt.zero_grad()
        loss = criterion(net(inputs), targets)
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        net.eval()
        with torch.no_grad():
            scores = net(xb)
            nll = nn.functional.cross_entropy(scores, yb)
        acc = (scores.argmax(1) == yb).float().mean()
        print(f"epoch {epoch + 1}: focal {loss.item():.4f} | validation nll {nll:.4f} accuracy {acc:.3f}")
