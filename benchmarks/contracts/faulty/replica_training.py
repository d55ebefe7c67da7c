"""Training of one replica; the launcher sets RANK and WORLD_SIZE."""

import os

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler


class DigitImages(Dataset):
    def __init__(self, train):
        data = load_digits()
        part = slice(0, 1400) if train else slice(1400, None)
        self.images = torch.tensor(data.images[part], dtype=torch.float32).unsqueeze(1) / 16
        self.labels = torch.tensor(data.target[part])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


class Replica:
    def __init__(self, rank, world_size, batch_size=32):
        self.rank = rank
        self.sampler = DistributedSampler(DigitImages(train=True), num_replicas=world_size, rank=rank, shuffle=True)
        self.train_loader = DataLoader(self.sampler.dataset, batch_size=batch_size, sampler=self.sampler)
        self.val_loader = DataLoader(DigitImages(train=False), batch_size=100)
        self.model = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(),
            nn.Linear(128, 10),
        )  # fmt: skip
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-3)

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for images, labels in self.train_loader:
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(images), labels)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        hits = sum((self.model(x).argmax(1) == y).sum().item() for x, y in self.val_loader)
        return hits / len(self.val_loader.dataset)

    def fit(self, epochs):
        for epoch in range(epochs):
            loss = self.train_epoch()
            accuracy = self.validate()
            if self.rank == 0:
                print(f"epoch {epoch} loss {loss:.4f} val accuracy {accuracy:.4f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    Replica(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "2"))).fit(14)
