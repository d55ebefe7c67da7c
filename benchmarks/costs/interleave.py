"""Times two trainings against each other in one process, in blocks of the order A B B A."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nets import Training

# Untimed steps at the start of a block, because caches are cold after the switch.
_WARM = 3
_DRAWS = 2000
# Warm-up before the blocks: at least this many steps, and not many more than take this many seconds.
_LEAST, _START_SECONDS = 60, 6.0


@dataclass
class Cost:
    """The cost of a tool: seconds of a step without it, and the ratio with it, block by block."""

    plain: float
    ratios: list[float]
    # Ratio of the total times: rare expensive steps count here, but not in a median.
    total: float
    # Extra seconds of the first steps.
    first: float
    # Number of these steps.
    start: int

    @property
    def median(self) -> float:
        """Return the median of the ratios."""
        return _median(self.ratios)

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the median, by the bootstrap."""
        draw = random.Random(0)  # noqa: S311 - no secrets
        medians = sorted(_median(draw.choices(self.ratios, k=len(self.ratios))) for _ in range(_DRAWS))
        return medians[round(0.025 * _DRAWS)], medians[round(0.975 * _DRAWS) - 1]


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


class Clock:
    """CPU time on a CPU, which may be shared with others; wall time on a GPU, after synchronization."""

    def __init__(self, device: str) -> None:
        self._device = device

    def now(self) -> float:
        """Return the time."""
        if self._device == "cuda":
            torch.cuda.synchronize()
            return time.perf_counter()
        return time.process_time()


class Tool:
    """A tool that observes a training; this base class does nothing."""

    name = "nothing (A/A)"
    version = ""

    def attach(self, training: Training) -> None:
        """Attach to a training before its first step."""

    def on(self) -> None:
        """Resume: a block of its training follows."""

    def off(self) -> None:
        """Pause: a block of the other training follows."""

    def detach(self) -> None:
        """End."""


@contextmanager
def _looking(tool: Tool) -> Iterator[None]:
    tool.on()
    try:
        yield
    finally:
        tool.off()


def _block(training: Training, tool: Tool, clock: Clock, steps: int) -> float:
    with _looking(tool):
        for _ in range(_WARM):
            training.step()
        begun = clock.now()
        for _ in range(steps):
            training.step()
        return clock.now() - begun


def block_size(training: Training, clock: Clock, seconds: float) -> int:
    """Return the number of steps that take about the given number of seconds."""
    for _ in range(_WARM):
        training.step()
    begun = clock.now()
    for _ in range(5):
        training.step()
    return max(5, round(5 * seconds / max(1e-6, clock.now() - begun)))


def compare(
    make: Callable[[str], Training], tool: Tool, device: str, *, repeats: int, seconds: float, start: int
) -> Cost:
    """Return the cost of a tool: first of the start of a training, then of its later steps."""
    clock, nothing = Clock(device), Tool()
    size = block_size(make(device), clock, seconds)
    start = max(_LEAST, min(start, round(_START_SECONDS * size / seconds)))
    torch.manual_seed(0)
    plain, looked_at = make(device), make(device)
    tool.attach(looked_at)
    try:
        first = -_block(plain, nothing, clock, start) + _block(looked_at, tool, clock, start)
        quads = [_quad(plain, looked_at, tool, clock, size) for _ in range(repeats)]
    finally:
        tool.detach()
    alone, along = (sum(quad[side] for quad in quads) for side in (0, 1))
    return Cost(alone / (2 * size * repeats), [b / a for a, b in quads], along / alone, first, start)


def _quad(plain: Training, looked_at: Training, tool: Tool, clock: Clock, size: int) -> tuple[float, float]:
    """Return the seconds without and with the tool, in the order A B B A that cancels a drift."""
    nothing = Tool()
    a = _block(plain, nothing, clock, size)
    b = _block(looked_at, tool, clock, size) + _block(looked_at, tool, clock, size)
    return a + _block(plain, nothing, clock, size), b
