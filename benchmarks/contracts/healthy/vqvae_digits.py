"""VQ-VAE with straight-through gradients; the codebook starts from encoder outputs and revives dead codes."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

torch.manual_seed(4)
torch.set_num_threads(1)


class Quantizer(nn.Module):
    def __init__(self, n=32, d=8, commitment=0.25):
        super().__init__()
        self.codes = nn.Parameter(torch.randn(n, d))
        self.register_buffer("age", torch.zeros(n))
        self.commitment = commitment

    def forward(self, z):
        flat = z.permute(0, 2, 3, 1).reshape(-1, z.size(1))
        idx = torch.cdist(flat, self.codes).argmin(1)
        if self.training:
            self._revive(flat, idx)
        q = self.codes[idx]
        loss = F.mse_loss(q, flat.detach()) + self.commitment * F.mse_loss(flat, q.detach())
        q = flat + (q - flat).detach()
        b, d, h, w = z.shape
        return q.view(b, h, w, d).permute(0, 3, 1, 2), loss, idx

    @torch.no_grad()
    def _revive(self, flat, idx):
        self.age += 1
        self.age[idx] = 0
        dead = self.age > 10
        if dead.any():
            rows = torch.randint(len(flat), (int(dead.sum()),))
            self.codes.data[dead] = flat[rows]
            self.age[dead] = 0


class VQVAE(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, d, 1))
        self.vq = Quantizer(d=d)
        self.dec = nn.Sequential(nn.Conv2d(d, 32, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1))

    def forward(self, x):
        q, vq_loss, idx = self.vq(self.enc(x))
        return self.dec(q), vq_loss, idx


x = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16
x = x[torch.randperm(len(x))]
train, test = x[:1500], x[1500:]
model = VQVAE()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(1, 13):
    model.train()
    for batch in train[torch.randperm(1500)].split(50):
        recon, vq_loss, _ = model(batch)
        rec_loss = F.mse_loss(recon, batch)
        loss = rec_loss + vq_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 3 == 0:
        model.eval()
        with torch.no_grad():
            recon, _, idx = model(test)
            test_mse = F.mse_loss(recon, test)
        print(f"epoch {epoch} vq {vq_loss.item():.4f} test mse {test_mse:.4f} codes used {idx.unique().numel()}/32")
