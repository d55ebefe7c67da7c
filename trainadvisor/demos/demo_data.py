"""The data of the demos: real handwritten digits, and small synthetic problems."""

from __future__ import annotations

import time
from importlib.resources import files

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

FAR_OUT = 0.01  # share of the points of `yes_no`
Pair = tuple[torch.Tensor, torch.Tensor]
Loaders = tuple[DataLoader[Pair], DataLoader[Pair]]


def digits(
    *,
    batch_size: int = 32,
    count: int = 1400,
    missing: int = 0,
    wrong_labels: float = 0.0,
    seconds_per_example: float = 0.0,
) -> Loaders:
    """Return loaders of 8x8 digits as 64 numbers with mean 0, with the faults that a demo asks for."""
    images, labels = _read_digits()
    images[:missing:7, 20] = float("nan")
    wrong = torch.rand(len(labels)) < wrong_labels
    labels = torch.where(wrong, torch.randint(10, labels.shape), labels)
    train = Examples(images[:count], labels[:count], seconds_per_example)
    return _loaders(train, Examples(images[1400:].nan_to_num(), labels[1400:]), batch_size)


def raw_digits(*, batch_size: int = 32) -> Loaders:
    """Return loaders of the digits as raw camera images: large, non-negative numbers."""
    images, labels = _read_digits()
    raw = 1000 + 400 * images
    return _loaders(Examples(raw[:1400], labels[:1400]), Examples(raw[1400:], labels[1400:]), batch_size)


def curve(*, batch_size: int = 32) -> Loaders:
    """Return loaders of a smooth function of eight numbers, with targets of shape [n]."""
    inputs = torch.randn(1400, 8)
    bent = torch.sin(inputs[:, 0] * 2) + inputs[:, 1] * inputs[:, 2]
    targets = inputs[:, 3] + bent + 0.1 * torch.randn(1400)
    return _loaders(Examples(inputs[:1000], targets[:1000]), Examples(inputs[1000:], targets[1000:]), batch_size)


def prices(*, batch_size: int = 32, standardized: bool = False) -> Loaders:
    """Return loaders of eight features of a house and its price in thousands, with targets of shape [n, 1]."""
    inputs = torch.randn(1400, 8)
    targets = 400 + 50 * inputs[:, :3].sum(1, keepdim=True) + 20 * torch.randn(1400, 1)
    if standardized:
        targets = (targets - targets[:1000].mean()) / targets[:1000].std()
    return _loaders(Examples(inputs[:1000], targets[:1000]), Examples(inputs[1000:], targets[1000:]), batch_size)


def line(*, batch_size: int = 32) -> Loaders:
    """Return loaders of a linear function of eight numbers, one of them larger, with targets of shape [n, 1]."""
    inputs = torch.randn(1400, 8) * torch.tensor([1.0] * 7 + [3.0])
    targets = inputs @ torch.tensor([1.0, -1, 1, -1, 1, -1, 1, 0])[:, None] + 0.1 * torch.randn(1400, 1)
    return _loaders(Examples(inputs[:1000], targets[:1000]), Examples(inputs[1000:], targets[1000:]), batch_size)


def rings(*, batch_size: int = 32) -> Loaders:
    """Return loaders of three nested rings with gaps, each ring a class."""
    labels = torch.randint(3, (1400,))
    angles, radius = torch.rand(1400) * 1.7 * torch.pi, labels * 0.7 + 0.4 + 0.08 * torch.randn(1400)
    points = torch.stack([radius * angles.cos(), radius * angles.sin()], dim=1)
    return _loaders(Examples(points[:1000], labels[:1000]), Examples(points[1000:], labels[1000:]), batch_size)


def yes_no(*, batch_size: int = 32) -> Loaders:
    """Return loaders of two groups of points with a few outliers, with targets 0 and 1 of shape [n, 1]."""
    targets = torch.randint(2, (1400, 1)).float()
    inputs = torch.randn(1400, 16) + (2 * targets - 1)
    inputs *= 1 + 15 * (torch.rand(1400, 1) < FAR_OUT)
    return _loaders(Examples(inputs[:1000], targets[:1000]), Examples(inputs[1000:], targets[1000:]), batch_size)


def walks(*, batch_size: int = 32, length: int = 40) -> Loaders:
    """Return loaders of sequences with one number per step; the target is the sum of the last five."""
    inputs = torch.randn(1200, length, 1)
    targets = inputs[:, -5:].sum(1) / 5**0.5
    return _loaders(Examples(inputs[:1000], targets[:1000]), Examples(inputs[1000:], targets[1000:]), batch_size)


class Examples(Dataset[Pair]):
    """Inputs with their targets; reading an example may take time."""

    def __init__(self, inputs: torch.Tensor, targets: torch.Tensor, seconds: float = 0.0) -> None:
        """Keep the tensors and the time that reading one example takes."""
        self._inputs, self._targets, self._seconds = inputs, targets, seconds

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self._inputs)

    def __getitem__(self, index: int) -> Pair:
        """Return an example."""
        if self._seconds:
            time.sleep(self._seconds)
        return self._inputs[index], self._targets[index]


def _read_digits() -> Pair:
    with (files("trainadvisor.demos") / "digits.npz").open("rb") as file, np.load(file) as arrays:
        images, labels = torch.from_numpy(arrays["images"]).float(), torch.from_numpy(arrays["labels"]).long()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    images = images[order].flatten(1)
    return (images - images.mean()) / images.std(), labels[order]


def _loaders(train: Examples, validation: Examples, batch_size: int) -> Loaders:
    return DataLoader(train, batch_size=batch_size, shuffle=True), DataLoader(validation, batch_size=len(validation))
