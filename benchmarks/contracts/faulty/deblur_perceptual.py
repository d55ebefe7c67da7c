"""Deblurring with a brightness loss and a perceptual loss from a fixed feature extractor."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Features(nn.Module):
    """Random but fixed filters stand in for a pretrained network."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, stride=2, padding=1)])
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(self, x):
        out = []
        for stage in self.stages:
            x = F.relu(stage(x))
            out.append(x)
        return out


class PerceptualLoss(nn.Module):
    def __init__(self, weight=1.0):
        super().__init__()
        self.features, self.weight = Features().eval(), weight

    def forward(self, output, target):
        pairs = zip(self.features(output), self.features(target), strict=True)
        return self.weight * sum(F.l1_loss(a, b) for a, b in pairs)


class Deblur(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x):
        return x + self.body(x)


torch.manual_seed(3)
torch.set_num_threads(1)
sharp = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
blurred = F.avg_pool2d(F.pad(sharp, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
blurred = blurred + 0.02 * torch.randn_like(blurred)
train = DataLoader(TensorDataset(blurred[:1500], sharp[:1500]), batch_size=50, shuffle=True)
test_in, test_out = blurred[1500:], sharp[1500:]
model, perceptual = Deblur(), PerceptualLoss(weight=2.0)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    for x, y in train:
        restored = model(x)
        pixel = F.mse_loss(F.avg_pool2d(restored, 4), F.avg_pool2d(y, 4))
        percept = perceptual(restored, y)
        loss = pixel + percept
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        restored = model(test_in)
        print(
            f"epoch {epoch} pixel {pixel.item():.5f} perceptual {percept.item():.4f} "
            f"test mse {F.mse_loss(restored, test_out):.5f} perceptual {perceptual(restored, test_out):.4f}"
        )
