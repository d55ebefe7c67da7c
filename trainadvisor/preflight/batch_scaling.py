"""What memory and a step would take at another batch size: a line through two measured ones."""

from __future__ import annotations

from dataclasses import dataclass

# Memory of an example below which the two measurements differ by chance, as a share of what is held.
NOISE = 0.001


@dataclass(frozen=True)
class Measured:
    """What was measured at one batch size: memory in MB, seconds of a step."""

    batch: int
    peak: float
    seconds: float | None = None


@dataclass(frozen=True)
class Scaling:
    """Memory and seconds as lines over the batch size."""

    held: float
    each: float
    fixed_seconds: float | None = None
    each_seconds: float | None = None

    def peak(self, batch: int) -> float:
        """Return the memory in MB at a batch size."""
        return self.held + self.each * batch

    def seconds(self, batch: int) -> float | None:
        """Return the seconds of a step at a batch size."""
        if self.fixed_seconds is None or self.each_seconds is None:
            return None
        return self.fixed_seconds + self.each_seconds * batch

    def largest(self, limit: float) -> int | None:
        """Return the largest batch whose memory stays within a limit; None where it makes no measured difference."""
        if self.each <= NOISE * self.held:
            return None
        return max(0, int((limit - self.held) / self.each))


def through(one: Measured, other: Measured) -> Scaling | None:
    """Return the lines through two measurements; None where the batch was the same."""
    if one.batch == other.batch:
        return None
    fewer, more = sorted((one, other), key=lambda item: item.batch)
    apart = more.batch - fewer.batch
    each = max(0.0, (more.peak - fewer.peak) / apart)
    held = more.peak - each * more.batch
    if fewer.seconds is None or more.seconds is None:
        return Scaling(held, each)
    each_seconds = max(0.0, (more.seconds - fewer.seconds) / apart)
    return Scaling(held, each, max(0.0, more.seconds - each_seconds * more.batch), each_seconds)
