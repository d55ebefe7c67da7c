"""Residual MLP whose blocks are recomputed in the backward pass to save memory (reentrant checkpoints)."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(3)
torch.set_num_threads(1)


class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.ff = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        return x + self.ff(self.norm(x))


class DeepNet(nn.Module):
    def __init__(self, width=48, depth=6):
        super().__init__()
        self.stem = nn.Linear(64, width)
        self.blocks = nn.ModuleList(ResidualBlock(width) for _ in range(depth))
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=True) if self.training else block(x)
        return self.head(x)


X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
p = torch.randperm(len(X))
tr, te = p[:1400], p[1400:]
net = DeepNet()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
for epoch in range(8):
    net.train()
    for b in tr[torch.randperm(len(tr))].split(56):
        loss = nn.functional.cross_entropy(net(X[b]), y[b], label_smoothing=0.05)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, f"loss {loss.item():.3f} acc {(net(X[te]).argmax(1) == y[te]).float().mean():.3f}")
