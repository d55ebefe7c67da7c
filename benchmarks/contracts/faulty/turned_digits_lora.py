"""Adapters on a frozen residual network, with recomputation of the blocks to save memory."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


class Block(nn.Module):
    def __init__(self, width, rank):
        super().__init__()
        self.norm, self.dense = nn.LayerNorm(width), nn.Linear(width, width)
        self.down, self.up = nn.Linear(width, rank, bias=False), nn.Linear(rank, width, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x):
        h = self.norm(x)
        return x + F.gelu(self.dense(h) + self.up(self.down(h)))


class Backbone(nn.Module):
    def __init__(self, width=64, depth=3, rank=6):
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, rank) for _ in range(depth))
        self.head = nn.Linear(width, 10)
        self.recompute = False

    def forward(self, x):
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=True) if self.recompute else block(x)
        return self.head(x)


def fit(net, x, y, epochs, lr, name):
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr)
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(50):
            loss = F.cross_entropy(net(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx) / len(x)
        if epoch % 4 == 3:
            print(f"{name} epoch {epoch + 1} loss {total:.4f} ({sum(p.numel() for p in trained)} parameters)")


@torch.no_grad()
def accuracy(net, x, y):
    net.eval()
    return (net(x).argmax(1) == y).float().mean().item()


torch.manual_seed(4)
torch.set_num_threads(1)
digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
turned = torch.rot90(x.view(-1, 8, 8), 1, (1, 2)).flatten(1)
net = Backbone()
fit(net, x[:1400], y[:1400], 8, 2e-3, "base")
print(f"base accuracy {accuracy(net, x[1400:], y[1400:]):.3f}")
for name, p in net.named_parameters():
    p.requires_grad = ".down." in name or ".up." in name or name.startswith("head")
net.recompute = True
fit(net, turned[:1400], y[:1400], 16, 5e-3, "adapted")
net.recompute = False
print(f"accuracy on turned images {accuracy(net, turned[1400:], y[1400:]):.3f}")
