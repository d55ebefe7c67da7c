"""One of two replicas: DistributedSampler with set_epoch, as the script runs under torchrun."""

import os

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

WORLD = int(os.environ.get("SLURM_NTASKS", "2"))
RANK = int(os.environ.get("SLURM_PROCID", "0"))


def data(seed):
    x, y = make_classification(4000, 20, n_informative=12, n_redundant=2, class_sep=1.5, random_state=seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    return TensorDataset(x[:3200], y[:3200]), TensorDataset(x[3200:], y[3200:])


def main():
    torch.manual_seed(100 + RANK)
    torch.set_num_threads(1)
    train_set, val_set = data(5)
    sampler = DistributedSampler(train_set, num_replicas=WORLD, rank=RANK, shuffle=True, seed=1)
    train_loader = DataLoader(train_set, batch_size=32, sampler=sampler)
    val_loader = DataLoader(val_set, batch_size=200)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(12):
        sampler.set_epoch(epoch)
        net.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = bce(net(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            hits = sum(((net(x) > 0) == (y > 0.5)).sum().item() for x, y in val_loader)
        if RANK == 0:
            print(f"epoch {epoch}: loss {loss.item():.4f} val acc {hits / len(val_set):.4f}")


if __name__ == "__main__":
    main()
