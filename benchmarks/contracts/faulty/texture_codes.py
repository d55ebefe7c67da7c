"""Discrete codes for image patches: nearest entry of a codebook, straight-through estimator."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class PatchCodes(nn.Module):
    def __init__(self, entries=64, width=16):
        super().__init__()
        self.down = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, width))
        self.codebook = nn.Embedding(entries, width)
        nn.init.uniform_(self.codebook.weight, -12.0, 12.0)
        self.up = nn.Sequential(nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 4))

    def encode(self, patches):
        z = self.down(patches)
        distance = (z.pow(2).sum(-1, keepdim=True) - 2 * z @ self.codebook.weight.t()) + self.codebook.weight.pow(
            2
        ).sum(1)
        return z, distance.argmin(-1)

    def forward(self, patches):
        z, index = self.encode(patches)
        e = self.codebook(index)
        commit = (z - e.detach()).pow(2).mean() * 0.25 + (e - z.detach()).pow(2).mean()
        out = self.up(z + (e - z).detach())
        return out, (out - patches).pow(2).mean(), commit


def patches_of(images):
    p = images.unfold(1, 2, 2).unfold(2, 2, 2)
    return p.reshape(len(images), 16, 4)


torch.manual_seed(14)
torch.set_num_threads(1)
images = torch.tensor(load_digits().images, dtype=torch.float32) / 8 - 1
data = patches_of(images[torch.randperm(len(images))])
train, test = data[:1500], data[1500:]
model = PatchCodes()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(1, 13):
    model.train()
    for batch in train[torch.randperm(1500)].split(50):
        _, rec, commit = model(batch)
        opt.zero_grad()
        (rec + commit).backward()
        opt.step()
    if epoch % 3 == 0:
        model.eval()
        with torch.no_grad():
            _, test_rec, _ = model(test)
        print(f"epoch {epoch}: rec {rec.item():.4f} commit {commit.item():.4f} test {test_rec:.4f} of {test.var():.4f}")
