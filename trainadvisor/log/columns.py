"""Step records as compact columns."""

import math
from array import array
from collections import Counter
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NUMBERS = (
    "loss", "epoch", "grad_norm", "clip_norm", "clip_max", "clip_value", "scale", "batch", "seconds", "wait",
    "memory", "micro", "accuracy", "loss_id", "part", "part_id",
)  # fmt: skip
FLAGS = ("stale", "no_grad", "skipped")
MODES = {"train": 0.0, "eval": 1.0}
MOST_GROUPS = 16
LARGEST_STEP = float(1 << 53)
NOTHING = np.full(1 << 14, np.nan)
NOTHING.flags.writeable = False


def floats(values: list[Any]) -> Floats:
    """Return recorded numbers as an array: absent and wrong ones are nan, the words of non-finite ones are read."""
    try:
        return np.frombuffer(array("d", values))
    except (TypeError, OverflowError):
        pass
    if values.count(None) == len(values):
        return NOTHING[: len(values)] if len(values) <= NOTHING.size else np.full(len(values), np.nan)
    try:
        return np.frombuffer(array("d", [math.nan if value is None else value for value in values]))
    except (TypeError, OverflowError):
        return np.array([_float(value) for value in values], dtype=np.float64)


def _float(value: Any) -> float:
    try:
        return float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return math.nan


def _rates(values: list[Any]) -> Floats:
    """Return learning rates as rows of groups, padded with nan."""
    lists = [value if type(value) is list else [value] for value in values]
    widths = set(map(len, lists))
    width = min(max(widths, default=1) or 1, MOST_GROUPS)
    if widths != {width}:
        lists = [value[:width] if len(value) >= width else value + [None] * (width - len(value)) for value in lists]
    return floats(list(chain.from_iterable(lists))).reshape(len(lists), width)


class StepColumns:
    """Collects step records batch by batch; wrong-typed ones are skipped and counted."""

    def __init__(self, flags_default: float) -> None:
        self.skipped = 0
        self.count = 0
        self.first_use: dict[int, int] = {}
        self.last_use: dict[int, int] = {}
        self.turns: Counter[tuple[int, ...]] = Counter()
        self._flags_default = flags_default
        self._parts: dict[str, list[Floats]] = {}
        self._rates: list[Floats] = []

    def add(self, records: list[dict[str, Any]]) -> None:
        """Take a batch of step records."""
        steps = floats([record.get("step") for record in records])
        sound = (steps >= 0) & (steps < LARGEST_STEP)
        if not sound.all():
            self.skipped += int((~sound).sum())
            records = [record for record, ok in zip(records, sound, strict=True) if ok]
            steps = steps[sound]
        if records:
            self._append("step", steps)
            self._add_fields(records)
            self.count += len(records)

    def _add_fields(self, records: list[dict[str, Any]]) -> None:
        for name in NUMBERS:
            self._append(name, floats([record.get(name) for record in records]))
        for name in FLAGS:
            self._append(name, floats([record.get(name, self._flags_default) for record in records]))
        self._append("mode_eval", _modes([record.get("mode") for record in records]))
        self._rates.append(_rates([record.get("lr") for record in records]))
        self._note_uses([record.get("opt") for record in records])

    def _note_uses(self, lists: list[Any]) -> None:
        """Note which optimizers stepped when; mostly it is the same one throughout a batch."""
        if lists.count(lists[0]) == len(lists):
            self._note_use(lists[0], self.count, len(lists))
            return
        for position, optimizers in enumerate(lists, self.count):
            self._note_use(optimizers, position, 1)

    def _note_use(self, optimizers: Any, position: int, times: int) -> None:
        used = tuple(o for o in optimizers if type(o) is int) if isinstance(optimizers, list) else ()
        self.turns[used] += times
        for optimizer in used:
            self.first_use.setdefault(optimizer, position)
            self.last_use[optimizer] = position + times - 1

    def _append(self, name: str, values: Floats) -> None:
        self._parts.setdefault(name, []).append(_thin(values))

    def column(self, name: str) -> Floats:
        """Return a whole column, all nan when nothing recorded it."""
        parts = self._parts.get(name, [])
        if len(parts) > 1:
            self._parts[name] = parts = [np.concatenate(parts)]
        if parts and parts[0].flags.writeable:
            parts[0].flags.writeable = False  # signals share it
        return parts[0] if parts else np.full(self.count, np.nan)

    def rates(self) -> Floats:
        """Return learning rates, one row a step and one column a group."""
        if len(self._rates) > 1:
            width = max(part.shape[1] for part in self._rates)
            self._rates = [np.concatenate([_widened(part, width) for part in self._rates])]
        return self._rates[0] if self._rates else np.full((self.count, 1), np.nan)


def _thin(values: Floats) -> Floats:
    """Return a view of one number in place of a column in which nothing changes."""
    if values.size > 1 and np.array_equal(values, np.broadcast_to(values[0], values.shape), equal_nan=True):
        return np.broadcast_to(values[0].copy(), values.shape)
    return values


def _widened(part: Floats, width: int) -> Floats:
    return np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=np.nan)


def _modes(modes: list[Any]) -> Floats:
    if modes.count("train") == len(modes):
        return np.zeros(len(modes))
    return floats([MODES.get(mode) if isinstance(mode, str) else None for mode in modes])
