"""Fingerprints of the rows of a batch, and which examples of a data set two loaders have in common."""

import weakref
from typing import Any

import torch
from torch.utils.data import DataLoader, Subset

from trainadvisor.instrument.asked_lengths import known_length
from trainadvisor.instrument.user_attributes import attribute
from trainadvisor.record.objects.describe import local, tensors_in

# Numbers of a row that are looked at, evenly spaced.
_WIDTH = 512
# A float32, in which a GPU's numbers are brought to the host, holds every whole number up to this.
_MODULUS = 2**24 - 3
# Odd numbers that spread the bits of a product (those of splitmix64, below 2**63).
_ODD, _FACTOR = 0x1E3779B97F4A7C15, 0x3F58476D1CE4E5B9
_MOST_INDICES = 1 << 20
# Different numbers without which batches may be equal by chance, among so many that are looked at.
_DIFFERENT, _LOOKED = 8, 4096
# Different fractions that a row of measured numbers holds at least.
_SEVERAL = 8


def of_rows(batch: torch.Tensor) -> torch.Tensor:
    """Return two whole numbers a row, by exact arithmetic: the same row gives the same ones in any batch."""
    return of_numbers(numbers_of(batch))


def numbers_of(batch: torch.Tensor) -> torch.Tensor:
    """Return the numbers of each row that are looked at."""
    rows = local(batch.detach()).flatten(1) if batch.ndim > 1 else local(batch.detach())[:, None]
    return rows[:, :: max(1, rows.shape[1] // _WIDTH)]


def of_numbers(rows: torch.Tensor) -> torch.Tensor:
    """Return the same of the numbers of each row."""
    bits = rows.float().contiguous().view(torch.int32).long() if rows.is_floating_point() else rows.long()
    places = torch.arange(1, rows.shape[1] + 1, device=rows.device)
    mixed = (bits + places * _ODD) * _FACTOR  # wraps round
    mixed = ((mixed ^ (mixed >> 29)) * _FACTOR).sum(1)
    mixed = (mixed ^ (mixed >> 31)) * _FACTOR
    return torch.stack([mixed.remainder(_MODULUS), (mixed >> 32).remainder(_MODULUS)], 1)


def real_rows(batch: torch.Tensor) -> torch.Tensor:
    """Return the number of rows that hold so many different fractions that two are equal only if one is a copy."""
    rows = local(batch.detach()).flatten(1) if batch.ndim > 1 else local(batch.detach())[:, None]
    if not rows.is_floating_point() or rows.shape[1] < _SEVERAL:
        return rows.new_zeros((), dtype=torch.float32)
    ordered = rows[:, :: max(1, rows.shape[1] // _WIDTH)].float().sort(1).values
    new = torch.ones_like(ordered, dtype=torch.bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return ((new & (ordered != ordered.round())).sum(1) >= _SEVERAL).sum().float()


def can_be_taken(batch: torch.Tensor) -> bool:
    """Return whether a batch has rows of plain numbers."""
    plain = not batch.is_sparse and not batch.is_complex() and not batch.is_meta and batch.layout is torch.strided
    return plain and batch.ndim > 0 and batch.numel() > 0


def tell_examples(batch: torch.Tensor) -> bool:
    """Return whether equal rows of a batch may be one example: of a single fraction, a grid or chance makes them."""
    return can_be_taken(batch) and not (batch.is_floating_point() and batch.numel() == batch.shape[0])


def of_tensors(batch: object) -> frozenset[tuple[float, ...]]:
    """Return what tells each tensor of a batch in the host's memory from others, but those that hold too little."""
    found = (t for t in tensors_in(batch) if t.device.type == "cpu" and can_be_taken(t))
    told = [t for t in found if len(set(t.flatten()[:_LOOKED].tolist())) >= _DIFFERENT]
    with torch.no_grad():
        return frozenset(tuple(of_rows(tensor).flatten().tolist()) for tensor in told)


def shared_examples(one: "DataLoader[Any]", trained: "DataLoader[Any]") -> float | None:
    """Return the share of a loader's examples that another one gives too, None where the data sets are not the same."""
    (first, own), (second, other) = _examples(one), _examples(trained)
    if first is not second or own is None or other is None or not own:
        return None
    return len(own & other) / len(own)


def _examples(loader: "DataLoader[Any]") -> tuple[object, set[int] | None]:
    """Return the data set that a loader's lies in, and the indices of it that the loader gives."""
    data: Any = loader.dataset
    length = known_length(data)
    if length is None or length > _MOST_INDICES:
        return data, None
    order = attribute(loader.sampler, "indices")
    indices = [int(i) for i in order] if order is not None else list(range(length))
    while isinstance(data, Subset):
        indices = [int(data.indices[i]) for i in indices]
        data = data.dataset
    return data, set(indices)


def held(loader: "DataLoader[Any] | None") -> Any:
    """Return a weak reference to a loader."""
    return weakref.ref(loader) if loader is not None else lambda: None
