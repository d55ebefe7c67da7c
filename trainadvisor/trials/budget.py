"""The wall-time budget of verify and what fits into it."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, field

from trainadvisor.errors import UsageError

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
SHARE_OF_BASELINE = 0.2
# A trial may take this many times as long as the baseline.
LONGEST_RATIO = 3.0
GRACE = 5.0


def seconds(text: str) -> float:
    """Read a duration such as 90s, 2m or 1h."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)?\s*", text)
    value = float(match.group(1)) * UNITS[match.group(2) or ""] if match else 0.0
    if value <= 0:
        message = f"--budget {text}: not a duration; write 90s, 2m or 1h"
        raise UsageError(message)
    return value


def told_seconds(value: float) -> str:
    """Return a duration as it is written after --budget, rounded up: 40s, 3m, 2h."""
    if value <= UNITS["m"]:
        return f"{10 * math.ceil(value / 10)}s"
    return f"{math.ceil(value / UNITS['m'])}m" if value <= UNITS["h"] else f"{math.ceil(value / UNITS['h'])}h"


@dataclass
class Budget:
    """Counts down from the moment it is created."""

    total: float
    started: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Return the remaining seconds, at least 0."""
        return max(self.total - self.spent, 0.0)

    @property
    def for_baseline(self) -> float:
        """Return the seconds of training after which the baseline is cut short."""
        return self.total * SHARE_OF_BASELINE

    def limit(self, typical: float) -> float:
        """Return the seconds after which a trial is killed, given what the baseline took."""
        return max(min(LONGEST_RATIO * typical + GRACE, self.left), 0.5)

    def fits(self, typical: float, runs: int = 1, jobs: int = 1) -> bool:
        """Return whether `runs` runs of the usual length fit into the remaining time."""
        rounds = -(-runs // jobs)
        return rounds * typical <= self.left
