"""Inpainting of 1-D profiles: reconstruction plus very small smoothness and sparsity terms."""

from typing import NamedTuple

import torch
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)


class Terms(NamedTuple):
    data: torch.Tensor
    smooth: torch.Tensor
    sparse: torch.Tensor

    def total(self, w_smooth=1e-3, w_sparse=1e-6):
        return self.data + w_smooth * self.smooth + w_sparse * self.sparse


def profiles(n, length=48):
    t = torch.linspace(0, 1, length)
    a, f, ph = torch.rand(n, 2, 1) + 0.3, torch.rand(n, 2, 1) * 3 + 1, torch.rand(n, 2, 1) * 6.28
    return (a * torch.sin(6.28 * f * t + ph)).sum(1)


class Inpainter(nn.Module):
    def __init__(self, ch=24):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(2, ch, 9, padding=4), nn.ReLU(), nn.Conv1d(ch, ch, 9, padding=4), nn.ReLU(),
            nn.Conv1d(ch, 1, 9, padding=4),
        )  # fmt: skip

    def forward(self, y, mask):
        return self.net(torch.stack([y * mask, mask], 1)).squeeze(1)


def loss_terms(model, x):
    mask = (torch.rand_like(x) > 0.3).float()
    out = model(x, mask)
    l1 = sum(p.abs().sum() for n, p in model.named_parameters() if n.endswith("weight"))
    return Terms((out - x).square().mean(), out.diff(dim=1).square().mean(), l1)


model = Inpainter()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
held = profiles(200)
for step in range(1, 401):
    terms = loss_terms(model, profiles(48))
    opt.zero_grad()
    terms.total().backward()
    opt.step()
    if step % 100 == 0:
        model.eval()
        with torch.no_grad():
            val = loss_terms(model, held).data
        model.train()
        print(
            f"{step}: "
            + " ".join(f"{k} {v.item():.4f}" for k, v in terms._asdict().items())
            + f" val {val:.4f} of {held.var():.3f}"
        )
