"""What plain models get from the inputs of a network: a linear one, and the answers of the nearest examples."""

from dataclasses import dataclass
from typing import Any

import torch

# Fewer rows say little about either model.
_LEAST_ROWS = 100
_NEIGHBORS = 5
# Share of the scatter of the inputs that is added to it: enough where there are more columns than rows.
_RIDGE = 0.1
_MOST_CLASSES = 200


@dataclass(frozen=True)
class Plain:
    """Shares that plain models got right, or explained, of rows that they were not fitted to."""

    rows: int
    tested: int
    linear: float
    nearest: float

    def fact(self) -> dict[str, Any]:
        """Return it as a record has it."""
        return {"examples": self.rows, "tested": self.tested, "linear": self.linear, "nearest": self.nearest}


def plain_fits(x: torch.Tensor, y: torch.Tensor, *, classes: bool) -> Plain | None:
    """Fit every other row [rows, columns] and ask for the rest; None where too little is left to ask.

    Targets are classes [rows], or numbers [rows, targets]. Rows that were fitted to are left out where they come again.
    """
    x, targets = x.double(), _one_hot(y) if classes else y.double()
    if targets is None or not bool(torch.isfinite(x).all()) or not bool(torch.isfinite(targets).all()):
        return None
    fitted, asked = x[::2], x[1::2]
    mean, scale = fitted.mean(0), fitted.std(0)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    fitted, asked = (fitted - mean) / scale, (asked - mean) / scale
    distances = torch.cdist(asked, fitted)
    new = distances.amin(1) > 0
    if int(new.sum()) < _LEAST_ROWS // 2 or len(fitted) < _LEAST_ROWS // 2:
        return None
    known, wanted, asked, distances = targets[::2], targets[1::2][new], asked[new], distances[new]
    near = known[distances.topk(_NEIGHBORS, largest=False).indices].mean(1)
    share = _right if classes else _explained
    return Plain(len(x), len(wanted), share(_linear(fitted, known, asked), wanted), share(near, wanted))


def _one_hot(y: torch.Tensor) -> torch.Tensor | None:
    """Return a column a class, where there are several that are no negative numbers."""
    top = int(y.max())
    if int(y.min()) < 0 or not 0 < top < _MOST_CLASSES:
        return None
    return torch.nn.functional.one_hot(y.long(), top + 1).double()


def _linear(x: torch.Tensor, y: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    """Return what ridge regression answers, solved for the rows, which are few."""
    offset = y.mean(0)
    inner = x @ x.T
    inner.diagonal().add_(_RIDGE * max(float(inner.diagonal().mean()), 1e-12))
    weight: torch.Tensor = x.T @ torch.linalg.solve(inner, y - offset)
    return asked @ weight + offset


def _right(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found.argmax(1) == wanted.argmax(1)).double().mean())


def _explained(found: torch.Tensor, wanted: torch.Tensor) -> float:
    around = (wanted - wanted.mean(0)).square().sum()
    return float(1 - (found - wanted).square().sum() / around) if around > 0 else 0.0
