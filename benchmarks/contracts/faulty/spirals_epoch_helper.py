"""Two spirals; training is split into helper functions."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def spirals(n):
    t = torch.rand(n, 1).sqrt() * 2.5 * math.pi
    side = torch.randint(0, 2, (n, 1)).float()
    sign = 2 * side - 1
    xy = torch.cat([t.cos() * t * sign, t.sin() * t * sign], 1) / 8
    return TensorDataset(xy + 0.01 * torch.randn(n, 2), side)


def get_optimizer(net, lr):
    decay = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    return torch.optim.Adam([{"params": decay, "weight_decay": 1e-5}, {"params": rest}], lr=lr, betas=(0.9, 0.999))


def train_one_epoch(net, loader, lr):
    net.train()
    optimizer = get_optimizer(net, lr)
    bce, total = nn.BCEWithLogitsLoss(), 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = bce(net(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def evaluate(net, dataset):
    net.eval()
    x, y = dataset.tensors
    return ((net(x) > 0).float() == y).float().mean().item()


def main(epochs=160, lr=0.03):
    torch.manual_seed(12)
    torch.set_num_threads(1)
    train, test = spirals(512), spirals(400)
    net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    loader = DataLoader(train, batch_size=256, shuffle=True)
    for epoch in range(epochs):
        loss = train_one_epoch(net, loader, lr)
        if (epoch + 1) % 40 == 0:
            print(f"epoch {epoch + 1}: loss {loss:.4f} test accuracy {evaluate(net, test):.3f}")


if __name__ == "__main__":
    main()
