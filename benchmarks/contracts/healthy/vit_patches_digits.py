"""Tiny ViT: images arrive as NHWC, are permuted, cut into patches and put through attention."""

import torch
from sklearn.datasets import load_digits
from torch import nn, optim

torch.manual_seed(7)
torch.set_num_threads(1)

digits = load_digits()
gray = torch.tensor(digits.images, dtype=torch.float32) / 16
nhwc = torch.stack([gray, gray.flip(-1), gray.transpose(1, 2)], dim=-1)
labels = torch.tensor(digits.target)
order = torch.randperm(len(labels))
tr, te = order[:1400], order[1400:]


class Attention(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h, self.q, self.k, self.v, self.o = h, *(nn.Linear(d, d) for _ in range(4))

    def split(self, x):
        b, t, d = x.size()
        return x.view(b, t, self.h, d // self.h).transpose(1, 2)

    def forward(self, x):
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        w = torch.softmax(q @ k.transpose(-2, -1) / q.size(-1) ** 0.5, dim=-1)
        return self.o((w @ v).transpose(1, 2).reshape(x.shape))


class ViT(nn.Module):
    def __init__(self, d=32, patch=2):
        super().__init__()
        self.p = patch
        self.embed = nn.Linear(3 * patch * patch, d)
        self.pos = nn.Parameter(torch.zeros(1, 16, d))
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(4))
        self.attns = nn.ModuleList(Attention(d, 4) for _ in range(2))
        self.mlps = nn.ModuleList(nn.Sequential(nn.Linear(d, 64), nn.GELU(), nn.Linear(64, d)) for _ in range(2))
        self.head = nn.Linear(d, 10)

    def forward(self, x):
        b, c, h, w = x.shape
        x = x.reshape(b, c, h // self.p, self.p, w // self.p, self.p)
        x = x.permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * self.p * self.p)
        x = self.embed(x) + self.pos
        for i in range(2):
            x = x + self.attns[i](self.norms[2 * i](x))
            x = x + self.mlps[i](self.norms[2 * i + 1](x))
        return self.head(x.mean(1))


net = ViT()
opt = optim.AdamW(net.parameters(), lr=3e-3)
sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=15)
for epoch in range(15):
    net.train()
    for idx in tr[torch.randperm(len(tr))].split(50):
        images = nhwc[idx].permute(0, 3, 1, 2)
        loss = nn.functional.cross_entropy(net(images), labels[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    sched.step()
    net.eval()
    with torch.no_grad():
        acc = (net(nhwc[te].permute(0, 3, 1, 2)).argmax(-1) == labels[te]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f}, test accuracy {acc:.3f}")
