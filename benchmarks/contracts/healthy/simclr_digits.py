"""SimCLR on digits, then a linear probe."""

import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional as F

torch.manual_seed(21)
torch.set_num_threads(1)

x, y = load_digits(return_X_y=True)
images = torch.tensor(x, dtype=torch.float32).view(-1, 1, 8, 8) / 16
perm = torch.randperm(len(images))
train_idx, test_idx = perm[:1400], perm[1400:]


def augment(img):
    n = len(img)
    dx, dy = torch.randint(-1, 2, (2,)).tolist()
    out = torch.roll(img, (dx, dy), (2, 3))
    out = out * (0.7 + 0.6 * torch.rand(n, 1, 1, 1)) + 0.1 * torch.randn_like(img)
    return out * (torch.rand(n, 1, 8, 8) > 0.1)


def nt_xent(z1, z2, tau=0.2):
    n = len(z1)
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    sim = z @ z.t() / tau
    sim.masked_fill_(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    target = torch.cat([torch.arange(n) + n, torch.arange(n)])
    return F.cross_entropy(sim, target)


encoder = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(),
    nn.Linear(512, 64), nn.ReLU(),
)  # fmt: skip
projector = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.Adam([*encoder.parameters(), *projector.parameters()], lr=2e-3)

for epoch in range(14):
    encoder.train()
    losses = []
    for idx in train_idx[torch.randperm(1400)].split(200):
        batch = images[idx]
        loss = nt_xent(projector(encoder(augment(batch))), projector(encoder(augment(batch))))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch}: {sum(losses) / len(losses):.3f}")

encoder.eval()
with torch.no_grad():
    feats = encoder(images)
probe = LogisticRegression(max_iter=500).fit(feats[train_idx], y[train_idx])
print(f"linear probe: {probe.score(feats[test_idx], y[test_idx]):.3f}")
