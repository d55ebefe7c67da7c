"""DDPM on two moons with sinusoidal embeddings of the timestep."""

import math

import torch
from sklearn.datasets import make_moons
from sklearn.neighbors import NearestNeighbors
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

T = 200
beta = torch.linspace(1e-4, 0.04, T)
alpha = 1 - beta
alpha_bar = alpha.cumprod(0)
data = torch.tensor(make_moons(4000, noise=0.04, random_state=0)[0], dtype=torch.float32)
data = (data - data.mean(0)) / data.std(0)


def timestep_embedding(t, dim=32):
    freqs = torch.exp(-math.log(10000) * torch.arange(dim // 2) / (dim // 2))
    angles = t[:, None].float() * freqs
    return torch.cat([angles.sin(), angles.cos()], 1)


class Denoiser(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(32, width), nn.SiLU(), nn.Linear(width, width))
        self.inp = nn.Linear(2, width)
        self.mid = nn.ModuleList([nn.Linear(width, width) for _ in range(2)])
        self.out = nn.Linear(width, 2)

    def forward(self, x, t):
        h = self.inp(x)
        e = self.time(timestep_embedding(t))
        for layer in self.mid:
            h = h + torch.nn.functional.silu(layer(h + e))
        return self.out(h)


@torch.no_grad()
def sample(model, n):
    x = torch.randn(n, 2)
    for i in reversed(range(T)):
        t = torch.full((n,), i)
        x = (x - beta[i] / (1 - alpha_bar[i]).sqrt() * model(x, t)) / alpha[i].sqrt()
        if i:
            x = x + beta[i].sqrt() * torch.randn_like(x)
    return x


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(1, 1001):
    x0 = data[torch.randint(len(data), (256,))]
    t = torch.randint(0, T, (256,))
    noise = torch.randn_like(x0)
    xt = alpha_bar[t, None].sqrt() * x0 + (1 - alpha_bar[t, None]).sqrt() * noise
    loss = (model(xt, t) - noise).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 250 == 0:
        model.eval()
        gap = NearestNeighbors(n_neighbors=1).fit(data).kneighbors(sample(model, 500))[0].mean()
        model.train()
        print(f"step {step} loss {loss.item():.4f} distance of samples to data {gap:.3f}")
