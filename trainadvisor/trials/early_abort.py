"""Decides from a growing log whether a trial is still worth its time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import LogError
from trainadvisor.log.growing import Tail

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.log.reader import RunLog

FEWEST = 20
# Consecutive non-finite losses after which a run is lost.
LOST = 5
# A loss this many times the larger of its own first loss and the baseline's will not recover ...
FAR = 3.0
# ... after this share of the steps of the baseline.
AFTER = 0.3


@dataclass(frozen=True)
class BaselineTrajectory:
    """The figures of the baseline that a running trial is compared with."""

    steps: int
    first_loss: float | None

    @classmethod
    def of(cls, log: RunLog) -> BaselineTrajectory:
        """Read them from the log of the baseline."""
        from trainadvisor.signals import of

        first = of(log)["loss_first"]
        return cls(int(log.steps.size), first if isinstance(first, float) else None)


class EarlyAbort:
    """Checks the log of one trial now and then, and says when to stop it."""

    def __init__(self, path: Path, trajectory: BaselineTrajectory | None, *, rescaled: bool = False) -> None:
        """Without a baseline, only refused changes stop a run; a rescaled loss may be far from the baseline's."""
        self._rescaled = rescaled
        self._tail = Tail(path)
        self._trajectory = trajectory
        self._losses: list[float] = []
        self._refused: list[str] = []

    def look(self) -> tuple[str, str] | None:
        """Return why the run should be stopped, with a detail; None while it is worth continuing."""
        try:
            records = self._tail.read()
        except LogError:
            return None
        for record in records:
            self._take(record)
        if self._refused:
            return "refused", "; ".join(self._refused)
        return self._hopeless() if self._trajectory else None

    def _take(self, record: dict[str, Any]) -> None:
        if record.get("record") == "step" and record.get("loss") is not None:
            self._losses.append(_number(record["loss"]))
        elif record.get("record") == "event" and record.get("kind") == "change":
            detail = record.get("detail") or {}
            if detail.get("applied") is False and detail.get("refused"):
                self._refused.append(f"{record.get('subject')}: {detail['refused']}")

    def _hopeless(self) -> tuple[str, str] | None:
        count = len(self._losses)
        if count < FEWEST or self._trajectory is None:
            return None
        last = self._losses[-LOST:]
        if not any(math.isfinite(value) for value in last):
            return "hopeless", f"non-finite loss at step {count - 1}"
        if self._rescaled or count < AFTER * self._trajectory.steps:
            return None
        finite = sorted(value for value in last if math.isfinite(value))
        level, starts = (
            finite[len(finite) // 2],
            [v for v in (self._losses[0], self._trajectory.first_loss) if v is not None],
        )
        bound = max((abs(value) for value in starts if math.isfinite(value)), default=math.inf)
        return ("hopeless", f"loss {level:.3g} at step {count - 1}") if level > FAR * bound else None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float, str)) else math.nan
