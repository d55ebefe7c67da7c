"""Sampled measurements of layers and parameters."""

from collections import Counter
from functools import cached_property
from typing import Any

import numpy as np

from trainadvisor.log.cleaning import whole
from trainadvisor.log.columns import Floats, Ints, floats

ACTIVATIONS = "act_"
SINGLE = ("alpha",)
NOT_COLUMNS = frozenset({"record", "step", "model", "table", "rows"})
MOST_NUMBERS, MOST_SAMPLES = 20_000_000, 500_000
MOST_MODELS, MOST_COLUMNS = 64, 64
MOST_ROWS = 100_000

# Step, table (-1 for parameter columns), one number a row.
Sample = tuple[int, int, Floats]


class LayerStore:
    """Collects the layer samples of all models; above a limit every second sample is dropped."""

    def __init__(self) -> None:
        self.skipped = 0
        self.thinned = False
        self.samples: dict[int, dict[str, list[Sample]]] = {}
        self._numbers = self._samples = 0
        # Records of a part of a model's rows.
        self.parts = 0
        self._joining: dict[tuple[int, str], Floats] = {}

    def add(self, record: dict[str, Any]) -> None:
        """Add one record; a record of a wrong type is skipped and counted."""
        step, model = whole(record.get("step")), whole(record.get("model", 0))
        if step is None or step < 0 or model is None:
            self.skipped += 1
            return
        if self._full() or (model not in self.samples and len(self.samples) >= MOST_MODELS):
            self.thinned = True  # an unusual log: thinning has not made room
            return
        if (rows := _rows(record.get("rows"))) is not None:
            self.parts += 1
            record = self._joined(record, model, rows)
        self._add_columns(record, step, self.samples.setdefault(model, {}))
        if self._full():
            self._thin()

    def _joined(self, record: dict[str, Any], model: int, rows: tuple[int, int, int]) -> dict[str, Any]:
        """Return the parameter columns that are now complete: a very deep model is measured one part at a time."""
        start, stop, count = rows
        whole: dict[str, Any] = {}
        for name, values in record.items():
            if name in NOT_COLUMNS or name.startswith(ACTIVATIONS) or not isinstance(values, list):
                continue
            known = self._joining.get((model, name))
            if (known is None or known.size != count) and len(self._joining) < MOST_COLUMNS:
                known = self._joining[model, name] = np.full(count, np.nan)
            if known is None or known.size != count or len(values) != stop - start:
                continue
            known[start:stop] = floats(values)
            if not np.isnan(known).any():
                whole[name] = self._joining.pop((model, name)).tolist()
        return whole

    def _add_columns(self, record: dict[str, Any], step: int, columns: dict[str, list[Sample]]) -> None:
        table = whole(record.get("table"))
        for name, values in record.items():
            room = name in columns or len(columns) < MOST_COLUMNS
            if name not in NOT_COLUMNS and room and (row := _row(name, values)) is not None:
                columns.setdefault(name, []).append((step, _table(name, table), row))
                self._numbers += row.size
                self._samples += 1

    def pack(self) -> None:
        """Put the rows of each column into one table, of which samples are views: signals need not gather them."""
        for columns in self.samples.values():
            for name, samples in columns.items():
                if len({row.size for _, _, row in samples}) == 1:
                    together = _gathered([row for _, _, row in samples])
                    rows = list(together)
                    columns[name] = [(step, table, rows[place]) for place, (step, table, _) in enumerate(samples)]

    def _full(self) -> bool:
        return self._numbers > MOST_NUMBERS or self._samples > MOST_SAMPLES

    def _thin(self) -> None:
        """Drop every second sample of each column, except the first and the last."""
        self.thinned = True
        for columns in self.samples.values():
            for name, samples in columns.items():
                columns[name] = samples[:1] + samples[1:-1:2] + samples[-1:] if len(samples) > 4 else samples  # noqa: PLR2004
        kept = [s[2].size for columns in self.samples.values() for samples in columns.values() for s in samples]
        self._numbers, self._samples = sum(kept), len(kept)


def _gathered(rows: list[Floats]) -> Floats:
    """Return equally long rows as a table that nobody changes: the one that they are views of, where that is whole."""
    base = rows[0].base
    if isinstance(base, np.ndarray) and base.shape == (len(rows), rows[0].size) and rows[-1].base is base:
        return base
    table = np.concatenate(rows).reshape(len(rows), rows[0].size)
    table.flags.writeable = False
    return table


def _rows(value: Any) -> tuple[int, int, int] | None:
    """Return first row, end and count of a record that holds part of the rows, None for a complete one."""
    if not isinstance(value, list) or len(value) != 3 or not all(type(number) is int for number in value):  # noqa: PLR2004
        return None
    start, stop, count = value
    return (start, stop, count) if 0 <= start < stop <= count <= MOST_ROWS else None


def _table(name: str, table: int | None) -> int:
    return (table if table is not None else 0) if name.startswith(ACTIVATIONS) else -1


def _row(name: str, values: Any) -> Floats | None:
    if name in SINGLE:
        values = [values]
    if not isinstance(values, list):
        return None
    row = floats(values)
    if name == "grad" and np.isnan(row).any():
        # nan stands for "no gradient at all" here; a gradient that is nan counts as infinite
        row = row.copy()
        row[[index for index, value in enumerate(values) if value == "nan"]] = np.inf
    return row


def fitting(versions: list[dict[str, Any]], samples: dict[str, list[Sample]], first: int, last: int) -> dict[str, Any]:
    """Return the version of a model, the last one first, whose parameters most samples between two steps are of."""
    sizes = Counter(
        row.size for column in samples.values() for step, table, row in column if table < 0 and first <= step <= last
    )
    return max(versions, key=lambda model: sizes[len(model["parameters"])])


class LayerSeries:
    """The samples of one model: rows are its parameters, or the rows of its activation table."""

    def __init__(
        self,
        model: dict[str, Any],
        samples: dict[str, list[Sample]],
        tables: dict[int, dict[str, Any]],
        first: int,
        last: int,
    ) -> None:
        self.model = model
        inside = {name: [s for s in column if first <= s[0] <= last] for name, column in samples.items()}
        self._tables = tables
        self.table = _most_used(inside)
        self._columns = {name: self._fitting(name, column) for name, column in inside.items()}
        self._steps: dict[str, Ints] = {}

    def _fitting(self, name: str, column: list[Sample]) -> list[Sample]:
        if name in SINGLE:
            return column
        if name.startswith(ACTIVATIONS):
            rows = len(self.rows("act"))
            return [s for s in column if s[1] == self.table and s[2].size == rows]
        return [s for s in column if s[2].size == len(self.model["parameters"])]

    def rows(self, kind: str = "grad") -> list[dict[str, Any]]:
        """Return what the rows describe: rows of the activation table for "act...", else the model's parameters."""
        if not kind.startswith("act"):
            return list(self.model["parameters"])
        table = self._tables.get(-1 if self.table is None else self.table, {})
        return [row if isinstance(row, dict) else {} for row in table.get("rows", [])]

    def names(self, kind: str = "grad") -> list[str]:
        """Return the names of the rows."""
        return [str(row.get("name", "?")) for row in self.rows(kind)]

    def column(self, name: str) -> Floats:
        """Return samples x rows; in "grad" nan marks parameters without a gradient."""
        samples = self._columns.get(name, [])
        width = 1 if name in SINGLE else len(self.rows("act" if name.startswith(ACTIVATIONS) else "grad"))
        return _gathered([s[2] for s in samples]) if samples else np.empty((0, width))

    def scalar(self, name: str) -> Floats:
        """Return a measurement that is one number a sample, such as alpha."""
        return self.column(name).ravel()

    def steps_of(self, name: str) -> Ints:
        """Return the steps at which a column was sampled."""
        if name not in self._steps:
            self._steps[name] = np.array([s[0] for s in self._columns.get(name, [])], dtype=np.int64)
            self._steps[name].flags.writeable = False
        return self._steps[name]

    @cached_property
    def steps(self) -> Ints:
        """Return the steps at which anything was sampled."""
        return np.unique(
            np.concatenate([self.steps_of(name) for name in self._columns] or [np.empty(0, dtype=np.int64)])
        )

    def __contains__(self, name: str) -> bool:
        return bool(self._columns.get(name))


def _most_used(columns: dict[str, list[Sample]]) -> int | None:
    """Return the table that most samples refer to; of two equals, the later."""
    uses = Counter(s[1] for name, column in columns.items() if name.startswith(ACTIVATIONS) for s in column)
    return max(uses, key=lambda table: (uses[table], table)) if uses else None
