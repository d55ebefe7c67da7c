"""Mixture of experts for piecewise regression; four experts, three regimes in the data."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
torch.set_num_threads(1)


class Expert(nn.Module):
    def __init__(self, d_in, d_hidden):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(d_in, d_hidden), nn.Tanh(), nn.Linear(d_hidden, 1))

    def forward(self, x):
        return self.net(x)


class MoE(nn.Module):
    """Examples are routed by their regime; the spare expert waits for a regime to come."""

    def __init__(self, d_in=6, regimes=3, spare=1):
        super().__init__()
        self.gate = nn.Linear(regimes, regimes + spare)
        self.experts = nn.ModuleList(Expert(d_in, 24) for _ in range(regimes + spare))
        with torch.no_grad():
            self.gate.weight.copy_(torch.eye(regimes + spare, regimes) * 2)
            self.gate.bias.zero_()
            self.gate.bias[regimes:] = -8.0

    def forward(self, x, regime):
        p = self.gate(regime).softmax(-1)
        weight, pick = p.max(-1)
        out = x.new_zeros(len(x), 1)
        for i, expert in enumerate(self.experts):
            rows = (pick == i).nonzero().squeeze(1)
            if len(rows):
                out[rows] = weight[rows, None] * expert(x[rows])
        return out


def sample(n):
    x = torch.randn(n, 6)
    r = torch.randint(0, 3, (n,))
    ys = torch.stack([torch.sin(x[:, 0]) + x[:, 1], x[:, 2] * 1.5 - 1, (x[:, 3] - x[:, 4]).tanh() + 2], 1)
    y = ys.gather(1, r[:, None]) + 0.05 * torch.randn(n, 1)
    return TensorDataset(x, nn.functional.one_hot(r, 3).float(), y)


train, test = DataLoader(sample(4000), 100, shuffle=True), DataLoader(sample(1000), 500)
model = MoE()
opt = torch.optim.Adam(model.parameters(), lr=4e-3)
loss_fn = nn.MSELoss()
for epoch in range(16):
    model.train()
    for x, r, y in train:
        opt.zero_grad()
        loss = loss_fn(model(x, r), y)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        mse = sum(loss_fn(model(x, r), y).item() for x, r, y in test) / len(test)
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1} train {loss.item():.4f} test {mse:.4f}")
