"""A few numbers of a model, by which it is known whether it has changed and how far."""

import torch

from trainadvisor.instrument import module_tables
from trainadvisor.record.objects.describe import sampled
from trainadvisor.record.objects.watched_model import Model

_NUMBERS = 64


def weights_of(model: Model) -> list[torch.Tensor]:
    """Return a copy of a few numbers of the first and of the last matrix."""
    wide = [p for p in model.parameters if p.ndim > 1 and p.numel() and not p.is_meta] or model.parameters
    return [sampled(p, _NUMBERS).clone() for p in (wide[0], wide[-1])] if wide else []


def statistics_of(model: Model) -> list[torch.Tensor]:
    """Return a copy of the running means of the first and of the last layer that keeps any."""
    named = (item for root in model.roots for item in module_tables.named_buffers(root))
    means = [value for name, value in named if name.endswith("running_mean") and not value.is_meta]
    return [sampled(value, _NUMBERS).clone() for value in (means[0], means[-1])] if means else []


def alike(ones: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    """Return whether two samples are the same to the last bit."""
    return _comparable(ones, others) and all(torch.equal(a, b) for a, b in zip(ones, others, strict=True))


def distance(ones: list[torch.Tensor], others: list[torch.Tensor]) -> float | None:
    """Return the 2-norm of the difference of two samples, None for samples of different shapes."""
    if not ones or not _comparable(ones, others):
        return None
    return float(torch.cat([(a - b).float() for a, b in zip(ones, others, strict=True)]).norm())


def _comparable(ones: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    pairs = list(zip(ones, others, strict=False))
    return len(ones) == len(others) and all(a.shape == b.shape and a.device == b.device for a, b in pairs)
