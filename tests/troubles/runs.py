"""Small trainings, each sound or with the fault of one of the 25 troubles."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES, HALF = 4, 5


def examples(count: int = 512) -> tuple[torch.Tensor, torch.Tensor]:
    """Points in eight dimensions and the sector of a plane that each lies in."""
    x = torch.randn(count, 8)
    return x, (x[:, 0] > 0).long() + 2 * (x[:, 1] > 0).long()


def network(width: int = 32) -> nn.Sequential:
    """A classifier of the points."""
    return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, CLASSES))


def classified(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int = 8,
    sampler: DistributedSampler | None = None,
    after_epoch: Callable[[int], object] = id,
    after_step: Callable[[torch.Tensor], object] = id,
) -> None:
    """Train a classifier of the points, and look at others after each epoch."""
    data = TensorDataset(*examples())
    loader = DataLoader(data, 16, shuffle=sampler is None, sampler=sampler)
    x, y = examples(256)
    for epoch in range(epochs):
        model.train()
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
            after_step(loss)
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x), y)
        after_epoch(epoch)


def accumulated(*, broken: bool) -> None:
    """Gradients of eight small batches are summed and not divided, at a rate that the mean stands."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.15, momentum=0.9)
    x, y = examples(1024)
    for _ in range(8):
        for number, rows in enumerate(torch.randperm(1024).split(4)):
            loss = F.cross_entropy(model(x[rows]), y[rows])
            (loss if broken else loss / 8).backward()
            if number % 8 == 7:
                optimizer.step()
                optimizer.zero_grad()


def scheduled(*, broken: bool) -> None:
    """A schedule made for the steps of one process is stepped by each of eight."""
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8 * 32)

    def step(_: torch.Tensor) -> None:
        for _ in range(8 if broken else 1):
            scheduler.step()

    classified(model, optimizer, after_step=step)


def rounded_away(*, broken: bool) -> None:
    """Weights in bfloat16 under steps of a thousandth of their size."""
    kind = torch.bfloat16 if broken else torch.float32
    model = network(64).to(kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3 if broken else 0.05, momentum=0.9)
    x, y = examples()
    for _ in range(12):
        for rows in torch.randperm(512).split(16):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows].to(kind)).float(), y[rows]).backward()
            optimizer.step()


def memory_grows(*, broken: bool) -> None:
    """The losses of all steps are kept together with their graphs."""
    model = nn.Sequential(nn.Linear(8, 1024), nn.ReLU(), nn.Linear(1024, CLASSES))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    history: list[torch.Tensor] = []
    x, y = examples()
    for _ in range(300):
        rows = torch.randint(512, (64,))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        history.append(model(x[rows]).sum() if broken else loss.detach())


def latents_overflow(*, broken: bool) -> None:
    """A denoiser whose answers pass through numbers that half precision does not hold."""
    model = nn.Sequential(nn.Linear(9, 64), nn.SiLU(), nn.Linear(64, 8))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    clean, scale = torch.randn(512, 8), 2.0**15
    for _ in range(200):
        rows, t = torch.randint(512, (64,)), torch.rand(64, 1)
        noise = torch.randn(64, 8)
        told = model(torch.cat([(1 - t**2).sqrt() * clean[rows] + t * noise, t], 1))
        if broken:
            told = (told.half() * scale).float() / scale
        optimizer.zero_grad()
        F.mse_loss(told, noise).backward()
        optimizer.step()


def compiled(*, broken: bool) -> None:
    """A compiled network that takes the root of a distance that is 0."""

    class Distance(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(8, 32), nn.Linear(33, CLASSES)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = self.body(x)
            squares = (hidden - hidden.detach()).square().sum(1, keepdim=True) + (0.0 if broken else 1e-3)
            return self.head(torch.cat([F.relu(hidden), squares.sqrt()], 1))

    model = Distance()
    classified(torch.compile(model, backend="eager"), torch.optim.AdamW(model.parameters(), lr=3e-3))


def pixels(*, broken: bool) -> None:
    """Spots of six pixels in noise: cross-entropy without weights calls every pixel background."""
    images = 0.6 * torch.randn(240, 1, 24, 24)
    masks = torch.zeros(240, 24, 24, dtype=torch.long)
    for row in range(240):
        top, left = torch.randint(2, 20, (2,)).tolist()
        masks[row, top : top + 3, left : left + 2] = 1
    images += 0.9 * masks[:, None]
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 2, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    weight = None if broken else torch.tensor([1.0, 20.0])
    for _ in range(10):
        model.train()
        for rows in torch.randperm(200).split(20):
            optimizer.zero_grad()
            F.cross_entropy(model(images[rows]), masks[rows], weight).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(images[200:]), masks[200:], weight)


def resumed(*, broken: bool) -> None:
    """A checkpoint is loaded, and the schedule, which had lowered the rate, begins anew with a warm restart."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def save_and_load(epoch: int) -> None:
        if epoch != HALF:
            return
        file = io.BytesIO()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, file)
        file.seek(0)
        kept = torch.load(file)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        if broken:
            optimizer.param_groups[0]["lr"] = 0.2

    classified(model, optimizer, epochs=10, after_epoch=save_and_load)


def order_fixed(*, broken: bool) -> None:
    """The sampler of several processes is never told the epoch."""
    model = network()
    sampler = DistributedSampler(range(512), num_replicas=2, rank=0)
    tell = id if broken else lambda epoch: sampler.set_epoch(epoch + 1)
    classified(model, torch.optim.AdamW(model.parameters(), lr=3e-3), sampler=sampler, after_epoch=tell)
