"""Segmentation of bright blobs with the Dice loss."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Blobs(Dataset):
    def __init__(self, n, seed, size=16):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        center = torch.rand(n, 2, generator=g) * 10 + 3
        radius = torch.rand(n, generator=g) * 2 + 1.5
        far = (yy - center[:, 0, None, None]) ** 2 + (xx - center[:, 1, None, None]) ** 2
        self.masks = (far < radius[:, None, None] ** 2).float().unsqueeze(1)
        self.images = self.masks * 0.8 + 0.5 * torch.randn(n, 1, size, size, generator=g)

    def __len__(self):
        return len(self.masks)

    def __getitem__(self, i):
        return self.images[i], self.masks[i]


class SoftDice(nn.Module):
    def __init__(self, smooth=1.0):
        super().__init__()
        self.smooth = smooth

    def forward(self, output, target):
        output, target = output.flatten(1), target.flatten(1)
        overlap = (output * target).sum(1)
        score = (2 * overlap + self.smooth) / (output.sum(1) + target.sum(1) + self.smooth)
        return 1 - score.mean()


class SegNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, 1, 1)
        )

    def forward(self, x):
        return self.net(x)


def iou(output, target):
    found, wanted = output > 0.5, target > 0.5
    return ((found & wanted).sum() / (found | wanted).sum().clamp(min=1)).item()


if __name__ == "__main__":
    torch.manual_seed(6)
    torch.set_num_threads(1)
    train = DataLoader(Blobs(800, 1), batch_size=40, shuffle=True)
    val = DataLoader(Blobs(160, 2), batch_size=80)
    net, criterion = SegNet(), SoftDice()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(6):
        net.train()
        for images, masks in train:
            optimizer.zero_grad()
            loss = criterion(net(images), masks)
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            scores = [iou(net(images), masks) for images, masks in val]
        print(f"epoch {epoch} dice loss {loss.item():.4f} val iou {sum(scores) / len(scores):.4f}")
