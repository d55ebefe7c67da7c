"""Regression with uncertainty from Monte Carlo dropout: dropout stays on while predicting."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

np.random.seed(0)
torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.cat([torch.rand(700, 1) * 3 - 3, torch.rand(700, 1) * 2 + 1])
y = torch.sin(2 * x) + 0.1 * torch.randn_like(x)
xt = torch.linspace(-3, 3, 121).unsqueeze(1)


class BayesNet(nn.Module):
    def __init__(self, hidden=128, p=0.1):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(1, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
        self.p = p

    def forward(self, x):
        h = torch.tanh(self.a(x))
        h = F.dropout(torch.relu(self.b(h)), self.p, training=True)
        return self.c(h)

    @torch.no_grad()
    def predict(self, x, samples=40):
        draws = torch.stack([self(x) for _ in range(samples)])
        return draws.mean(0), draws.std(0)


net = BayesNet()
opt = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-5)
for epoch in range(40):
    net.train()
    for idx in torch.randperm(len(x)).split(64):
        loss = F.mse_loss(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if (epoch + 1) % 10 == 0:
        net.eval()
        mean, std = net.predict(xt)
        seen = ((xt < 0) | (xt > 1)).squeeze()
        rmse = (mean - torch.sin(2 * xt))[seen].pow(2).mean().sqrt()
        print(
            f"{epoch + 1} loss {loss.item():.4f} rmse {rmse:.3f} std {std[seen].mean():.3f} gap {std[~seen].mean():.3f}"
        )
