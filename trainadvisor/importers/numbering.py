"""Numbers of steps as files write them: over the whole training, within each epoch, or not at all."""

import math

LARGEST = 1 << 53


class Numbering:
    """Turns the step and epoch of one row after the other into one count that goes on over the epochs."""

    def __init__(self, *, has_step: bool) -> None:
        self._has_step = has_step
        self._rows = -1
        self._offset = 0
        self._epoch: float | None = None
        self._raw = self._gap = 0
        self._last = 0
        self._evaluations = 0

    def of(self, step: float | None, epoch: float | None, *, trains: bool) -> int:
        """Return the number of the next row: its step, else its epoch, else its place."""
        self._rows += 1
        raw = _whole(step if self._has_step else epoch)
        if raw is None:
            return self._last if self._has_step and self._rows else self._rows
        if not self._has_step:
            return raw
        return self._trained(raw, epoch) if trains else self._evaluated(raw)

    def _trained(self, raw: int, epoch: float | None) -> int:
        """Go on counting where the step begins again with an epoch that is higher, anew where the epoch does too."""
        if raw <= self._raw and epoch is not None and self._epoch is not None and epoch != self._epoch:
            self._offset = self._offset + self._raw + (self._gap or 1) - raw if epoch > self._epoch else 0
        elif raw > self._raw:
            self._gap = raw - self._raw if self._rows else 0
        self._epoch = self._epoch if epoch is None else epoch
        self._raw, self._last = raw, self._offset + raw
        return self._last

    def _evaluated(self, raw: int) -> int:
        """Return the step of an evaluation: that of the training before it where the file counts epochs instead."""
        self._evaluations += 1
        counts_epochs = raw < self._last and raw in (self._evaluations - 1, self._evaluations)
        if self._offset or counts_epochs:
            return self._last
        return raw


def _whole(value: float | None) -> int | None:
    return (
        int(value)
        if value is not None and math.isfinite(value) and value == int(value) and 0 <= value < LARGEST
        else None
    )
