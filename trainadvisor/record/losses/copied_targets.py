"""Whether columns of the targets are columns of the input: equal, or on a straight line with them."""

from dataclasses import dataclass
from typing import Any

import torch

_MOST_ROWS, _MOST_COLUMNS = 2048, 64
_LEAST_ROWS = 4
# What rounding leaves of an exact relation.
_TOLERANCE = 1e-5
_CORRELATED = 1 - 1e-9


@dataclass
class CopiedTargets:
    """Which columns of the targets were columns of the input in every batch so far."""

    batches: int = 0
    rows: int = 0
    # Rows are places of sequences.
    sequence: bool = False
    # Truths, [targets, columns].
    equal: torch.Tensor | None = None
    line: torch.Tensor | None = None
    # Targets that vary.
    vary: torch.Tensor | None = None

    def fits(self, x: torch.Tensor, y: torch.Tensor) -> bool:
        """Return whether a batch has as many columns as those so far."""
        return self.equal is None or self.equal.shape == (y.shape[1], x.shape[1])

    def add(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Take the input [rows, columns] and the targets [rows, targets] of a batch."""
        x, y = x[:_MOST_ROWS].double(), y[:_MOST_ROWS].double()
        equal = torch.stack([(x - column[:, None]).abs().amax(0) <= _TOLERANCE * column.abs().amax() for column in y.T])
        line, vary = _on_a_line(x, y), y.amax(0) > y.amin(0)
        self.equal = equal if self.equal is None else self.equal & equal
        self.line = line if self.line is None else self.line & line
        self.vary = vary if self.vary is None else self.vary | vary
        self.batches += 1
        self.rows += x.shape[0]

    def fact(self) -> dict[str, Any]:
        """Return what was found so far."""
        assert self.equal is not None
        assert self.line is not None
        assert self.vary is not None
        targets, columns = self.equal.shape
        equal, line = self.equal.any(1) & self.vary, self.line.any(1) & self.vary
        first = next((int(row.int().argmax()) for row in self.equal | self.line if row.any()), None)
        return {
            "batches": self.batches, "compared": self.rows, "columns": columns, "targets": targets,
            "sequence": self.sequence, "equal": int(equal.sum()), "line": int(line.sum()),
            "varying": int(self.vary.sum()), "column": first,
        }  # fmt: skip


def _on_a_line(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return which targets are scaled and shifted copies of which columns."""
    x, y = x - x.mean(0), y - y.mean(0)
    sizes = y.norm(dim=0)[:, None] * x.norm(dim=0)[None]
    found: torch.Tensor = (y.T @ x).abs() >= _CORRELATED * sizes.clamp_min(1e-300)
    return found


def as_rows(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, bool] | None:
    """Return input and targets as [rows, columns], and whether rows are places of sequences; None for other shapes.

    Targets of whole sequences are compared with the last places of the input.
    """
    if not x.numel() or not y.numel():
        return None
    if x.ndim == 2 and y.ndim in (1, 2):
        pair, places = (x, y.reshape(y.shape[0], -1)), False
    elif x.ndim == 3 and y.ndim in (2, 3) and y.shape[:2] == x.shape[:2]:
        pair, places = (x.flatten(0, 1), y.reshape(x.shape[0] * x.shape[1], -1)), True
    elif x.ndim == 3 and y.ndim in (1, 2) and y.shape[0] == x.shape[0]:
        pair, places = (x[:, -1], y.reshape(y.shape[0], -1)), False
    else:
        return None
    fits = (
        pair[0].shape[0] == pair[1].shape[0] >= _LEAST_ROWS and max(pair[0].shape[1], pair[1].shape[1]) <= _MOST_COLUMNS
    )
    return (*pair, places) if fits else None
