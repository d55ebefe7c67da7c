"""Step records as compact columns."""

import math
import struct
from collections import Counter
from collections.abc import Sequence
from itertools import chain, compress
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from trainadvisor.log.column_parts import Column
from trainadvisor.log.contract import STEP_FLAGS, STEP_NAMES, STEP_NUMBERS
from trainadvisor.log.fields import Fields, all_alike
from trainadvisor.log.plain_steps import PlainSteps

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MODES = {"train": 0.0, "eval": 1.0}
MOST_GROUPS = 16
# Most steps that are kept; whenever there are more, every second one is dropped.
MOST_STEPS = 2_000_000
MOST_OPTIMIZERS, MOST_TURNS = 1000, 1000
# Most number fields outside the contract that become columns too.
MOST_MORE = 64
LARGEST_STEP = float(1 << 53)
NOTHING = np.broadcast_to(np.float64(np.nan), (1 << 14,))


def floats(values: Sequence[Any]) -> Floats:
    """Return recorded numbers as an array: missing and invalid ones are nan, words for non-finite ones are parsed."""
    try:
        return _packed(values)
    except (struct.error, OverflowError):
        pass
    if values.count(None) == len(values):
        return _nothing(len(values))
    try:
        return _packed([math.nan if value is None else value for value in values])
    except (struct.error, OverflowError):
        return np.array([_float(value) for value in values], dtype=np.float64)


def _packed(values: Sequence[Any]) -> Floats:
    """Return numbers as an array; of all ways to take them out of a list this is the fastest."""
    return np.frombuffer(struct.pack(f"{len(values)}d", *values))


def _nothing(count: int) -> Floats:
    return NOTHING[:count] if count <= NOTHING.size else np.broadcast_to(NOTHING[0], (count,))


def _float(value: Any) -> float:
    try:
        return float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return math.nan


def _rates(values: list[Any]) -> Floats:
    """Return learning rates as rows of groups, padded with nan."""
    if all_alike(values) and type(values[0]) is list and 0 < len(values[0]) <= MOST_GROUPS:
        return np.broadcast_to(floats(values[0]), (len(values), len(values[0])))
    lists = [value if type(value) is list else [value] for value in values]
    widths = set(map(len, lists))
    width = min(max(widths, default=1) or 1, MOST_GROUPS)
    if widths != {width}:
        lists = [value[:width] if len(value) >= width else value + [None] * (width - len(value)) for value in lists]
    return floats(list(chain.from_iterable(lists))).reshape(len(lists), width)


class StepColumns:
    """Collects step records batch by batch; records of a wrong type are skipped and counted."""

    def __init__(self, flags_default: float) -> None:
        self.skipped = 0
        self.count = self.kept = 0
        # One of this many steps is kept.
        self.stride = 1
        self.first_use: dict[int, int] = {}
        self.last_use: dict[int, int] = {}
        self.turns: Counter[tuple[int, ...]] = Counter()
        # Each combination of optimizers has a number, which the column "opt" holds; -1 for those beyond the limit.
        self.turn_numbers: dict[tuple[int, ...], int] = {}
        # Fields outside the contract that hold no numbers or exceed the limit.
        self.left_out: set[str] = set()
        self._more: list[str] = []
        self._numbers = set(STEP_NUMBERS)
        self._flags_default = flags_default
        self._parts: dict[str, Column] = {}
        self._rates: list[Floats] = []

    def add(self, records: list[dict[str, Any]], plain: PlainSteps | None = None) -> None:
        """Add a batch of step records, plain ones among them."""
        fields = Fields(records, plain)
        steps = fields.column("step", floats)
        if self.stride == 1 and steps is not None and _valid(steps).all():
            self.count += fields.count
            self._add_fields(fields, steps)
        elif chosen := self._chosen(plain.with_others(records) if plain else records):
            fields = Fields(chosen)
            self._add_fields(fields, fields.column("step", floats))
        while self.kept > MOST_STEPS:
            self._halve()

    def _chosen(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the records that have a valid number and are kept, and count the others."""
        valid = _valid(floats(_field("step", records)))
        if not valid.all():
            self.skipped += int((~valid).sum())
            records = list(compress(records, valid))
        start, self.count = -self.count % self.stride, self.count + len(records)
        if self.stride > 1:
            for optimizers in _field("opt", records):  # those that are not kept are turns too
                self._count_turns(_numbers(optimizers), 1)
        return records[start :: self.stride]

    def _halve(self) -> None:
        """Drop every second step, so that the series of a very long run stays bounded."""
        for name in self._parts:
            self._parts[name].halve(self.kept)
        self._rates = [self.rates()[::2].copy()]
        self.kept = len(self._rates[0])
        self.stride *= 2
        for uses in (self.first_use, self.last_use):
            uses.update({optimizer: place // 2 for optimizer, place in uses.items()})

    def _add_fields(self, fields: Fields, steps: Floats | float | None) -> None:
        names = fields.names()
        self._find_more(fields, names)
        self._put("step", steps, fields.count)
        for name in names.intersection(self._numbers):
            self._put(name, fields.column(name, floats), fields.count)
        for name in names.intersection(STEP_FLAGS):
            self._put(name, fields.column(name, floats, self._flags_default), fields.count, self._flags_default)
        if "mode" in names:
            self._put("mode_eval", _modes(fields.values("mode")), fields.count)
        self._rates.append(_rates(fields.values("lr")))
        self._note_uses(fields.values("opt"))
        self.kept += fields.count

    def _find_more(self, fields: Fields, names: set[str]) -> None:
        """Know of each number field that is new in this batch and not named in the contract."""
        for name in sorted(names - STEP_NAMES - self.left_out - set(self._more)):
            values = fields.values(name)
            if values.count(None) == len(values):
                continue
            if np.isnan(floats(values)).all() or len(self._more) >= MOST_MORE:
                if len(self.left_out) < MOST_MORE:
                    self.left_out.add(name)
                continue
            self._more.append(name)
            self._numbers.add(name)

    def _note_uses(self, lists: list[Any]) -> None:
        """Record which optimizers stepped when; usually a single one steps throughout a batch."""
        if all_alike(lists):
            number = self._note_use(lists[0], self.kept, len(lists))
            self._put("opt", float(number), len(lists))
            return
        numbers = [self._note_use(optimizers, position, 1) for position, optimizers in enumerate(lists, self.kept)]
        self._put("opt", np.array(numbers, dtype=np.float64), len(lists))

    def _note_use(self, optimizers: Any, position: int, times: int) -> int:
        """Note that some optimizers stepped, and return the number of their combination."""
        used = _numbers(optimizers)
        if self.stride == 1:
            self._count_turns(used, times)
        for optimizer in used:
            if optimizer in self.first_use or len(self.first_use) < MOST_OPTIMIZERS:
                self.first_use.setdefault(optimizer, position)
                self.last_use[optimizer] = position + times - 1
        if used in self.turn_numbers or len(self.turn_numbers) < MOST_TURNS:
            return self.turn_numbers.setdefault(used, len(self.turn_numbers))
        return -1

    def _count_turns(self, used: tuple[int, ...], times: int) -> None:
        if used in self.turns or len(self.turns) < MOST_TURNS:
            self.turns[used] += times

    def _put(self, name: str, values: Floats | float | None, count: int, default: float = math.nan) -> None:
        if values is not None:
            if name not in self._parts:
                self._parts[name] = Column(default)
            self._parts[name].put(self.kept, values, count)

    @property
    def more(self) -> tuple[str, ...]:
        """Return the names of the columns outside the contract."""
        return tuple(self._more)

    def column(self, name: str) -> Floats:
        """Return a whole column; all values are nan when it was never recorded."""
        if name in self._parts:
            return self._parts[name].whole(self.kept)
        return np.full(self.kept, self._flags_default) if name in STEP_FLAGS else _nothing(self.kept)

    def replace(self, name: str, values: Floats) -> None:
        """Replace a column."""
        self._parts[name] = Column(math.nan)
        self._parts[name].put(0, values, values.size)

    def rates(self) -> Floats:
        """Return learning rates, one row a step and one column a group."""
        if len(self._rates) > 1:
            width = max(part.shape[1] for part in self._rates)
            self._rates = [np.concatenate([_widened(part, width) for part in self._rates])]
        return self._rates[0] if self._rates else np.full((self.kept, 1), np.nan)


def _numbers(optimizers: Any) -> tuple[int, ...]:
    """Return the numbers of the optimizers that a step names."""
    return tuple(o for o in optimizers[:64] if type(o) is int) if isinstance(optimizers, list) else ()


def _valid(steps: Floats | float) -> npt.NDArray[np.bool_]:
    return np.logical_and(np.greater_equal(steps, 0), np.less(steps, LARGEST_STEP))


def _field(name: str, records: list[dict[str, Any]]) -> list[Any]:
    try:
        return list(map(itemgetter(name), records))
    except KeyError:
        return [record.get(name) for record in records]


def _widened(part: Floats, width: int) -> Floats:
    return np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=np.nan)


def _modes(modes: list[Any]) -> Floats:
    if modes.count("train") == len(modes):
        return np.zeros(len(modes))
    return floats([MODES.get(mode) if isinstance(mode, str) else None for mode in modes])
