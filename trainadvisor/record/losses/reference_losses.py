"""What a perfect and a constant answer would cost: for losses where that does not follow from means and counts."""

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from trainadvisor.record.device_readback import Reading

BINARY = {"binary_cross_entropy", "binary_cross_entropy_with_logits"}
# Losses that are quadratic near zero, and the argument that says how near.
ROBUST = {"smooth_l1_loss": "beta", "huber_loss": "delta"}
_MOST_WEIGHTS = 1000
_MOST_COLUMNS = 1024


def settings_of(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a loss call, beyond its reduction, that move its yardstick."""
    if kind in ROBUST:
        border = given.get(ROBUST[kind], 1.0)
        return {ROBUST[kind]: float(border) if isinstance(border, int | float) else None}
    if kind == "poisson_nll_loss":
        return {"log_input": bool(given.get("log_input", True)), "full": bool(given.get("full", False))}
    return {}


def weights_of(given: dict[str, Any]) -> torch.Tensor | None:
    """Return the class weights, or the one weight of the positive class, of a loss call."""
    weight = given.get("weight") if given.get("pos_weight") is None else given.get("pos_weight")
    if not isinstance(weight, torch.Tensor) or weight.ndim > 1 or weight.numel() > _MOST_WEIGHTS:
        return None
    return weight.detach().flatten().float()


def read_weights(given: dict[str, Any], read: Any, expect: Any, fact: dict[str, Any]) -> None:
    """Have the class weights written into the facts of a loss when the device has handed them over."""
    weights = weights_of(given)
    if weights is not None:
        reading: Reading = read(weights)
        expect(reading, lambda numbers: fact.update(weights=[float(f"{n:.6g}") for n in numbers]))


def measure(kind: str, settings: dict[str, Any], values: torch.Tensor, soft_classes: int) -> torch.Tensor:
    """Return (floor, deviation) of targets [examples, ...] in double, NaN where they say nothing.

    floor: mean loss of predicting the target itself. For a Poisson likelihood E[y - y ln y], for targets that are
    probabilities their own mean entropy. deviation: for robust losses the mean loss of each column's median.
    """
    nan = torch.full((), torch.nan, device=values.device, dtype=torch.float64)
    floor = deviation = nan
    columns = values.flatten(1) if values.ndim > 1 else values[:, None]
    if kind == "poisson_nll_loss":
        floor = (values - torch.xlogy(values, values)).mean()
    elif kind in BINARY:
        floor = _binary_entropy(values).mean()
    elif soft_classes and values.ndim > 1:
        floor = -torch.xlogy(values, values).sum(1).mean()
    elif kind in ROBUST and settings.get(ROBUST[kind]) is not None:
        middle = columns.median(0).values.expand_as(columns)
        deviation = getattr(F, kind)(middle, columns, **settings)
    return torch.stack([floor, deviation])


class ColumnShares:
    """The share of ones in each column of binary targets, over all batches so far: most have none in a small one."""

    def __init__(self) -> None:
        """Begin with no batch."""
        self._ones: torch.Tensor | None = None
        self._rows = 0

    def add(self, values: torch.Tensor) -> torch.Tensor:
        """Take targets [examples, ...] in double, and return the mean entropy of the columns' shares."""
        columns = values.flatten(1) if values.ndim > 1 else values[:, None]
        ones = columns[:, :: max(1, columns.shape[1] // _MOST_COLUMNS)].sum(0)
        if self._ones is None or self._ones.shape != ones.shape or self._ones.device != ones.device:
            self._ones, self._rows = torch.zeros_like(ones), 0
        self._ones, self._rows = self._ones + ones, self._rows + columns.shape[0]
        return _binary_entropy(self._ones / self._rows).mean()


def _binary_entropy(shares: torch.Tensor) -> torch.Tensor:
    return -(torch.xlogy(shares, shares) + torch.xlogy(1 - shares, 1 - shares))
