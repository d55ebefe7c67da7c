"""How long a data loader is, without a call of the script's `__len__` that the script would see."""

from typing import Any

from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
)

from trainadvisor.instrument.asked_lengths import known_length
from trainadvisor.instrument.user_attributes import attribute


def examples_of(loader: DataLoader[Any]) -> int | None:
    """Return the number of examples of a loader's data set, None where that is not known."""
    return known_length(loader.dataset)


def batches_of(loader: DataLoader[Any]) -> int | None:
    """Return the number of batches of a pass over a loader, None where that is not known."""
    if isinstance(loader.dataset, IterableDataset):
        # not by the loader, which would warn later of a length that was asked for and not kept
        return _parts(known_length(loader.dataset), loader.batch_size, drop=loader.drop_last)
    if type(loader).__len__ is not DataLoader.__len__:
        return known_length(loader)
    batches = loader.batch_sampler
    if batches is None:
        return _drawn(loader.sampler)
    if getattr(type(batches), "__len__", None) is not BatchSampler.__len__:
        return known_length(batches)
    size, drop = attribute(batches, "batch_size"), bool(attribute(batches, "drop_last"))
    return _parts(_drawn(attribute(batches, "sampler")), size, drop=drop)


def _parts(whole: int | None, size: int | None, *, drop: bool) -> int | None:
    if whole is None or size is None:
        return whole
    return whole // size if drop else -(-whole // size)


def _drawn(sampler: object) -> int | None:
    """Return how many examples a sampler draws; torch's own would ask the script's data set."""
    asks = getattr(type(sampler), "__len__", None)
    if asks is RandomSampler.__len__:
        wanted = attribute(sampler, "_num_samples")
        return wanted if isinstance(wanted, int) else known_length(attribute(sampler, "data_source"))
    if asks is SequentialSampler.__len__:
        return known_length(attribute(sampler, "data_source"))
    if asks is SubsetRandomSampler.__len__:
        return known_length(attribute(sampler, "indices"))
    return known_length(sampler)
