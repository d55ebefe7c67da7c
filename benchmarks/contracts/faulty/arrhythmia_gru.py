"""Heartbeat windows: a slow or a fast rhythm, in three leads."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class HeartbeatWindows(Dataset):
    def __init__(self, count, seed):
        g = torch.Generator().manual_seed(seed)
        t = torch.arange(24)
        offset = torch.randint(0, 30, (count, 1), generator=g)
        self.y = torch.randint(0, 2, (count,), generator=g)
        period = torch.where(self.y == 1, 5, 6)[:, None]
        beat = ((t + offset) % period == 0).float()
        noise = 0.1 * torch.randn(count, 24, 3, generator=g)
        self.x = torch.stack([beat, beat.roll(1, 1) * 0.5, beat.roll(2, 1) * 0.2], -1) + noise

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class BeatNet(nn.Module):
    def __init__(self, channels=3, hidden=32, classes=2):
        super().__init__()
        self.rnn = nn.GRU(channels, hidden, num_layers=1)
        self.classifier = nn.Sequential(nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, classes))

    def forward(self, windows):
        features, _ = self.rnn(windows)
        return self.classifier(features[:, -1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=4e-3)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)

    train_loader = DataLoader(HeartbeatWindows(2000, 1), batch_size=args.batch_size, shuffle=True)
    val_loader = DataLoader(HeartbeatWindows(400, 2), batch_size=args.batch_size)
    net = BeatNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        net.train()
        running = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            running += loss.item()
        net.eval()
        with torch.no_grad():
            hits = sum((net(x).argmax(1) == y).sum().item() for x, y in val_loader)
        print(f"epoch {epoch}: train loss {running / len(train_loader):.4f}, val accuracy {hits / 400:.3f}")


if __name__ == "__main__":
    main()
