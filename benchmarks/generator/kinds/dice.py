"""Segmentation with a composite loss written by hand (Dice plus cross entropy), evaluated by Dice alone."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)


def pictures(n):
    """A blob on noise and its mask."""
    yy, xx = torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing="ij")
    cy, cx, r = torch.rand(n, 1, 1) * 12 + 4, torch.rand(n, 1, 1) * 12 + 4, torch.rand(n, 1, 1) * 2 + 2
    mask = ((yy - cy) ** 2 + (xx - cx) ** 2 < r**2).float()
    return (mask + 0.5 * torch.randn(n, 20, 20))[:, None], mask[:, None]


class DiceLoss(nn.Module):
    def forward(self, p, target):
        both = (p * target).sum((1, 2, 3))
        return 1 - ((2 * both + 1) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)).mean()


x, y = pictures(400)
x_val, y_val = pictures(100)
if FAULT == "masks_shuffled":
    y = y[torch.randperm(len(y))]
c = random.choice([8, 12])
net = nn.Sequential(
    nn.Conv2d(1, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, 1, 3, padding=1)
)
optimizer = torch.optim.Adam(net.parameters(), lr=random.uniform(2e-3, 6e-3))
dice, weight = DiceLoss(), random.choice([0.5, 1.0])
for epoch in range(8):
    net.train()
    for i in torch.randperm(len(x)).split(20):
        out = net(x[i])
        p = torch.sigmoid(out)
        if FAULT == "dice_of_logits":
            loss = dice(out, y[i])
        elif FAULT == "thresholded":
            loss = dice((p > 0.5).float().requires_grad_(), y[i])
        else:
            loss = dice(p, y[i]) + weight * F.binary_cross_entropy(p, y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        said = torch.sigmoid(net(x_val)) > 0.5
    score = 2 * (said * y_val).sum().item() / max(said.sum().item() + y_val.sum().item(), 1)
    print(f"epoch {epoch} loss {loss.item():.4f} dice {score:.3f}")
print("RESULT", json.dumps({"skill": score, "train_loss": loss.item(), "history": []}))
