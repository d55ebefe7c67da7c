import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, random_split

ap = argparse.ArgumentParser(description="VAE on 8x8 digits, KL warmed up")
ap.add_argument("--epochs", type=int, default=30)
ap.add_argument("--latent", type=int, default=6)
ap.add_argument("--warmup", type=int, default=10)
opt = ap.parse_args()

torch.manual_seed(2)
torch.set_num_threads(1)


class VAE(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 128), nn.ReLU())
        self.mu, self.logvar = nn.Linear(128, latent), nn.Linear(128, latent)
        self.dec = nn.Sequential(nn.Linear(latent, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
        return self.dec(z), mu, logvar


def elbo(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
    return rec, kl


images = torch.tensor(load_digits().data / 16, dtype=torch.float32)
train, val = random_split(images, [1500, len(images) - 1500])
train_loader = DataLoader(train, batch_size=64, shuffle=True)
val_loader = DataLoader(val, batch_size=297)
vae = VAE(opt.latent)
adam = torch.optim.Adam(vae.parameters(), lr=2e-3)

for epoch in range(1, opt.epochs + 1):
    beta = min(1.0, epoch / opt.warmup)
    vae.train()
    for x in train_loader:
        out = vae(x)
        rec, kl = elbo(out[0], x, *out[1:])
        loss = rec + beta * kl
        adam.zero_grad()
        loss.backward()
        adam.step()
    if epoch % 5 == 0:
        vae.eval()
        with torch.no_grad():
            x = next(iter(val_loader))
            out = vae(x)
            rec, kl = elbo(out[0], x, *out[1:])
            mse = F.mse_loss(out[0].sigmoid(), x)
        print(f"epoch {epoch}: beta {beta:.1f} val rec {rec:.2f} kl {kl:.2f} mse {mse:.4f} (var {x.var(0).mean():.4f})")
