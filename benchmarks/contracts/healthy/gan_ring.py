import math

import torch
import torch.nn as nn

torch.manual_seed(11)
torch.set_num_threads(1)

Z, BATCH = 8, 128


def real_batch(n):
    angle = torch.randint(0, 8, (n,)) * (2 * math.pi / 8)
    return torch.stack([angle.cos(), angle.sin()], 1) * 2 + 0.08 * torch.randn(n, 2)


G = nn.Sequential(nn.Linear(Z, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
g_opt = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.99))
d_opt = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.99))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

for it in range(1, 1001):
    fake = G(torch.randn(BATCH, Z))
    d_loss = bce(D(real_batch(BATCH)), ones * 0.9) + bce(D(fake.detach()), zeros)
    d_opt.zero_grad()
    d_loss.backward()
    d_opt.step()

    g_loss = bce(D(fake), ones)
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
    if it % 250 == 0:
        with torch.no_grad():
            s = G(torch.randn(2000, Z))
            radius = s.norm(dim=1)
            mode = ((torch.atan2(s[:, 1], s[:, 0]) / (2 * math.pi / 8)).round() % 8).long()
        print(
            f"[{it}] d {d_loss.item():.3f} g {g_loss.item():.3f} radius {radius.mean():.2f}"
            f" share near ring {((radius - 2).abs() < 0.4).float().mean():.2f} modes {mode.unique().numel()}"
        )
