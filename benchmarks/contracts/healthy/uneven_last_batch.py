"""Housing-like regression; 1003 examples in batches of 100, so the last one holds three."""

import torch
from sklearn.datasets import make_friedman2
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(15)
torch.set_num_threads(1)

X, y = make_friedman2(1403, noise=20.0, random_state=2)
X = (X - X[:1003].mean(0)) / X[:1003].std(0)
y = (y - y[:1003].mean()) / y[:1003].std()
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
train = DataLoader(TensorDataset(X[:1003], y[:1003]), batch_size=100, shuffle=True)
test = DataLoader(TensorDataset(X[1003:], y[1003:]), batch_size=64)


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        return self.out(self.hidden(x)).squeeze(-1)


reg = Regressor()
opt = torch.optim.Adam(reg.parameters(), lr=3e-3)
decay = torch.optim.lr_scheduler.ExponentialLR(opt, 0.95)
for epoch in range(1, 46):
    reg.train()
    seen, sse = 0, 0.0
    for xb, yb in train:
        loss = nn.functional.huber_loss(reg(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        seen, sse = seen + len(xb), sse + loss.item() * len(xb)
    decay.step()
    if epoch % 9 == 0:
        reg.eval()
        with torch.no_grad():
            pred = torch.cat([reg(xb) for xb, _ in test])
        truth = y[1003:]
        r2 = 1 - (pred - truth).square().mean() / truth.var()
        print(f"epoch {epoch} train {sse / seen:.4f} test r2 {r2:.3f}")
