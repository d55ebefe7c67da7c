"""Small trainings on real digits, sound and broken, for tests of the whole path from the hook to the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import trainadvisor

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Outcome:
    """Where the log is, and how the training ended."""

    log: Path
    accuracy: float


def digits(batch: int = 32) -> tuple[DataLoader, DataLoader]:
    """Return loaders of the scaled 8 x 8 digits: 1,400 to train on, 397 to validate."""
    x, y = load_digits(return_X_y=True)
    inputs, labels = torch.tensor(x / 16.0, dtype=torch.float32), torch.tensor(y)
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
    inputs, labels = inputs[order], labels[order]
    train = DataLoader(TensorDataset(inputs[:1400], labels[:1400]), batch_size=batch, shuffle=True)
    return train, DataLoader(TensorDataset(inputs[1400:], labels[1400:]), batch_size=397)


def mlp(depth: int, activation: type[nn.Module], width: int = 64) -> nn.Sequential:
    """Return an MLP with `depth` hidden layers."""
    layers: list[nn.Module] = []
    for index in range(depth):
        layers += [nn.Linear(64 if index == 0 else width, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def train(
    model: nn.Module, optimizer: torch.optim.Optimizer, log: Path, *, epochs: int = 10, clear: bool = True
) -> Outcome:
    """Train and validate as users do, under the hook."""
    criterion = nn.CrossEntropyLoss()
    batches, validation = digits()
    right = 0.0
    with trainadvisor.watch(model, optimizer, log=log):
        for _ in range(epochs):
            model.train()
            for inputs, labels in batches:
                if clear:
                    optimizer.zero_grad()
                loss = criterion(model(inputs), labels)
                loss.backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                for inputs, labels in validation:
                    output = model(inputs)
                    criterion(output, labels)
                    right = float((output.argmax(1) == labels).float().mean())
    return Outcome(log, right)
