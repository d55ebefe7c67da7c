"""A small GAN: points of two clusters, with label smoothing for the discriminator."""

import json
import random
import sys

import torch
from torch import nn

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
width, batch = random.choice([32, 64]), 64
generator = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))
judge = nn.Sequential(nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))
rate = random.uniform(1e-3, 2e-3)
opt_g = torch.optim.Adam(
    (judge if FAULT == "wrong_parameters" else generator).parameters(), lr=rate, betas=(0.5, 0.999)
)
opt_d = torch.optim.Adam(judge.parameters(), lr=rate, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()


def real(n):
    return 0.2 * torch.randn(n, 2) + torch.where(torch.rand(n, 1) < 0.5, 0.5, -0.5) + torch.tensor([2.0, 0.0])


for step in range(900):
    if FAULT == "no_grad":
        with torch.no_grad():
            fake = generator(torch.randn(batch, 4))
    else:
        fake = generator(torch.randn(batch, 4))
    opt_d.zero_grad()
    d_loss = criterion(judge(real(batch)), torch.full((batch, 1), 0.9))
    d_loss = d_loss + criterion(judge(fake.detach()), torch.zeros(batch, 1))
    d_loss.backward()
    opt_d.step()
    opt_g.zero_grad()
    g_loss = criterion(judge(fake.detach() if FAULT == "detached" else fake), torch.ones(batch, 1))
    g_loss.backward()
    opt_g.step()
    if step % 150 == 149:
        print(f"step {step} D {d_loss.item():.3f} G {g_loss.item():.3f}")
with torch.no_grad():
    a, b = generator(torch.randn(1000, 4)), real(1000)
    lines = torch.stack([torch.linspace(0, 3.14, 12).cos(), torch.linspace(0, 3.14, 12).sin()])
    far = ((a @ lines).sort(0).values - (b @ lines).sort(0).values).abs().mean().item()
print("RESULT", json.dumps({"skill": max(1 - far, -1), "train_loss": g_loss.item(), "history": []}))
