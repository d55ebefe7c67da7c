"""Statistics of one layer's output, by few and cheap operations; what they mean is worked out on the host."""

import math
from dataclasses import dataclass

import torch

from trainadvisor.record.objects import describe

COLUMNS = ("act_mean", "act_rms", "act_max", "act_zero", "act_saturated", "act_spread", "act_nonfinite")
# Numbers that are read of an output.
NUMBERS = 8
# Elements of an output that are looked at, one in so many.
_SAMPLE = 16384
_ROWS, _COLUMNS = 256, 128
# Elements of an image's output among which a unit is looked for that is not zero.
_WHOLE = 262144
# From so many values on, a CPU takes several times as long for the deviation along the rows as for its parts.
_FEW_VALUES = 4096


@dataclass
class Found:
    """What was measured on one output: numbers that are still on the device, and of how many elements they are."""

    elements: int
    numbers: list[torch.Tensor]
    kind: str

    def columns(self, numbers: list[float]) -> list[float]:
        """Return the values of `COLUMNS`."""
        low, high, mean, norm, others, spread, broken, saturated = numbers
        known = self.kind in {"tanh", "sigmoid"}
        n = self.elements
        largest = math.nan if low != low else max(-low, high)  # noqa: PLR0124 - NaN spreads
        return [mean, norm / n**0.5, largest, 1 - others / n, saturated / n if known else math.nan, spread, broken]


def measure(output: torch.Tensor, kind: str) -> Found:
    """Measure one output (units along dimension 1, or the last of a 2-D or 3-D tensor) by few and cheap operations."""
    values = describe.sampled(output, _SAMPLE).float()
    rows = output.detach()[:_ROWS].float().flatten(1) if output.ndim > 1 else values[:, None]
    rows = rows[:, :: max(1, rows.shape[1] // _COLUMNS)]
    others = torch.count_nonzero(values)
    saturated = others
    if kind == "tanh":
        saturated = torch.count_nonzero(values.abs() > 0.99)
    elif kind == "sigmoid":
        saturated = torch.count_nonzero((values - 0.5).abs() > 0.49)
    norm, broken = torch.linalg.vector_norm(values), torch.count_nonzero(values - values)
    spread = _spread(rows).mean()
    return Found(values.numel(), [*values.aminmax(), values.mean(), norm, others, spread, broken, saturated], kind)


def _spread(rows: torch.Tensor) -> torch.Tensor:
    """Return the standard deviation of each column, exactly 0 where all rows are alike."""
    if rows.device.type != "cpu" or rows.numel() < _FEW_VALUES:
        return rows.std(0, unbiased=False)
    off = rows - rows[:1]
    return (off - off.mean(0)).square_().mean(0).sqrt_()


def active_units(output: torch.Tensor) -> torch.Tensor:
    """Return for each unit (channel) whether it is non-zero anywhere in the batch."""
    found = output.detach()
    if found.ndim >= 4:
        step = max(1, int((found.numel() / _WHOLE) ** 0.5))
        return (found[:, :, ::step, ::step] != 0).transpose(0, 1).flatten(1).any(1)
    return (found.reshape(-1, found.shape[-1]) != 0).any(0)


def combine(found: list[list[float]]) -> list[float]:
    """Join several calls of one layer: the mean of each column, the largest size and the count of non-finites."""
    if len(found) == 1:
        return found[0]
    columns = dict(zip(COLUMNS, zip(*found, strict=True), strict=True))
    joined = {name: sum(values) / len(found) for name, values in columns.items()}
    joined["act_max"] = max(columns["act_max"])
    joined["act_nonfinite"] = sum(columns["act_nonfinite"])
    return list(joined.values())
