"""One-dimensional segmentation with a cosine schedule."""

import argparse

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, Dataset


class Segments(Dataset):
    def __init__(self, n, length=40):
        t = torch.arange(length)
        start, size = torch.randint(0, 25, (n, 1)), torch.randint(5, 15, (n, 1))
        self.mask = ((t >= start) & (t < start + size)).long()
        wave = torch.where(self.mask == 1, torch.sin(t * 1.5), torch.sin(t * 0.6))
        self.signal = (wave + 0.4 * torch.randn(n, length)).unsqueeze(1)

    def __len__(self):
        return len(self.signal)

    def __getitem__(self, i):
        return self.signal[i], self.mask[i]


def build(width):
    return nn.Sequential(
        nn.Conv1d(1, width, 7, padding=3), nn.GELU(), nn.Conv1d(width, width, 7, padding=3), nn.GELU(),
        nn.Conv1d(width, width, 7, padding=3), nn.GELU(), nn.Conv1d(width, 2, 1),
    )  # fmt: skip


def main(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    train, test = DataLoader(Segments(1280), args.batch, shuffle=True), DataLoader(Segments(200), 100)
    net = build(24)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.25, momentum=0.9)
    scheduler = CosineAnnealingLR(optimizer, T_max=args.epochs)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, args.epochs + 1):
        net.train()
        for signal, mask in train:
            loss = criterion(net(signal), mask)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        net.eval()
        with torch.no_grad():
            right = sum((net(s).argmax(1) == m).float().mean().item() for s, m in test) / len(test)
        print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.4f} loss {loss.item():.4f} pixel accuracy {right:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=2)
    main(parser.parse_args())
