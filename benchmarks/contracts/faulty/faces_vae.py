"""Variational autoencoder for small images with a convolutional decoder."""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader


class ConvVAE(nn.Module):
    def __init__(self, z=8):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(128, 2 * z),
        )
        self.decoder = nn.Sequential(
            nn.Linear(z, 128), nn.ReLU(), nn.Unflatten(1, (32, 2, 2)), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Sigmoid(),
        )  # fmt: skip
        self.mse = nn.MSELoss()

    def forward(self, x):
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        eps = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
        out = self.decoder(mean + eps * (log_var / 2).exp())
        reconstruction = self.mse(out, x)
        kld = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
        return out, {"loss": reconstruction + kld, "reconstruction": reconstruction, "kld": kld}


ap = argparse.ArgumentParser()
ap.add_argument("--epochs", type=int, default=10)
ap.add_argument("--batch", type=int, default=64)
args = ap.parse_args()
torch.manual_seed(10)
torch.set_num_threads(1)
pictures = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
pictures = pictures[torch.randperm(len(pictures))]
loader = DataLoader(pictures[:1500], batch_size=args.batch, shuffle=True)
held_out = pictures[1500:]
vae = ConvVAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)
for epoch in range(args.epochs):
    vae.train()
    for x in loader:
        _, terms = vae(x)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
    vae.eval()
    with torch.no_grad():
        out, val = vae(held_out)
        spread = out.std(0).mean()
    print(
        f"epoch {epoch}: "
        + " ".join(f"{k} {v.item():.4f}" for k, v in val.items())
        + f" spread of outputs {spread:.4f}"
    )
