"""The rows of printed lines: the figures of one line or several about one step or epoch."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from trainadvisor.importers.decode.chinese_names import in_english
from trainadvisor.importers.decode.line_forms import LineForms, Reading
from trainadvisor.importers.decode.printed_figures import SAID_NAN, figures, means
from trainadvisor.importers.decode.printed_places import (
    COUNT,
    HELD_OUT,
    is_held_out,
    is_of_many,
    is_unfinished,
    place,
    sections,
)
from trainadvisor.importers.decode.tracked import flattened
from trainadvisor.importers.field_values import as_float, number
from trainadvisor.importers.metric_names import TRAIN, meaning, words_of
from trainadvisor.importers.opening import lines, text
from trainadvisor.importers.table import Row, Table

LONGEST = 12_000
# A dictionary as Python prints it, alone on its line or beside a bar.
DICTIONARY = re.compile(r"\{'\w[^{}]*\}\s*$")
CURVES = {"loss", "eval_loss", "part", "eval_part", "grad_norm", "lr", "metric", "train_metric", "figure"}
TELLING = {"loss", "eval_loss", "part", "eval_part", "grad_norm"}
WHOLE = TELLING - {"part", "eval_part"}
# Lines that have to name the same figure of merit where no loss is printed.
LEAST_TELLING = 3


def tells(head: bytes) -> bool:
    """Return whether one of the first lines names a loss or a norm with its number, or some of them one metric."""
    start = text(head)
    if "\0" in start[:1000]:
        return False
    merits: Counter[str] = Counter()
    for line in start.splitlines():
        row = figures(in_english(line)) if len(line) < LONGEST else {}
        if any(meaning(name).role in TELLING for name in row):
            return True
        merits.update(name for name in row if meaning(name).role in ("metric", "train_metric"))
    return any(count >= LEAST_TELLING for count in merits.values())


def rows(path: Path, table: Table) -> Iterator[Row]:
    """Yield a row for each line that tells of a step or an epoch; note in the table what they say of the whole."""
    gathered, forms = _Gathered(), LineForms(_read)
    held, loss = False, "loss"
    dictionaries: set[bool] = set()
    for line in map(in_english, lines(path)):
        if len(line) > LONGEST or not line.strip():
            continue
        found, planned, told = forms.read(line)
        here = _told_place(line, table, found, planned)
        if is_unfinished(line):
            continue
        row = _object(line)
        if row is not None:
            yield row
            continue
        row = _told(line, held=True) if held else told
        loss = next((name for name in row if meaning(name).role == "loss"), loss)
        if not any(meaning(name).role in WHOLE for name in row) and SAID_NAN.search(line):
            row = {loss: math.nan}
        held = not row and HELD_OUT.match(line) is not None
        here.update(_count(row))
        curves = {name: value for name, value in row.items() if meaning(name).role in CURVES}
        again = bool(curves) and is_of_many(line) and is_held_out(line)
        dictionaries.update([DICTIONARY.search(line) is not None] if curves else ())
        table.all_digits = dictionaries == {True}
        yield from gathered.add(here, curves, again=again)
    yield from gathered.rest()


def _told(line: str, *, held: bool) -> Row:
    """Return the figures of a line, those of held-out data under names that say so."""
    row: Row = {}
    for held_out, part in sections(line):
        row |= _held_out(figures(means(part))) if held or held_out else figures(part)
    return row


def _read(line: str) -> Reading:
    """Return step and epoch that a line names, the total of the steps, and its figures."""
    return *place(line), _told(line, held=False)


def _told_place(line: str, table: Table, here: Row, planned: int | None) -> Row:
    """Return the place of a line, unless it is the bar of an evaluation; note the total of the steps."""
    if planned is not None and COUNT.search(line):
        another = table.planned_steps not in (None, planned)
        if another or HELD_OUT.match(line):
            return {}
    table.planned_steps = table.planned_steps or planned
    return here


class _Gathered:
    """Joins the figures of several lines about one step or epoch."""

    def __init__(self) -> None:
        self._place: Row = {}
        self._waiting: Row = {}

    def add(self, here: Row, curves: Row, *, again: bool = False) -> Iterator[Row]:
        """Take the figures of a line, and yield those before where the step moved on or a name comes again.

        Where a line goes on about one evaluation its figures replace those before.
        """
        moved = any(here.get(name, self._place.get(name)) != self._place.get(name) for name in ("step", "epoch"))
        if moved or (set(curves) & set(self._waiting) and not again):
            yield from self.rest()
        if "step" not in here and here.get("epoch", self._place.get("epoch")) != self._place.get("epoch"):
            self._place.pop("step", None)
        self._place.update(here)
        self._waiting.update(curves)

    def rest(self) -> Iterator[Row]:
        """Yield what has been gathered."""
        if self._waiting:
            yield {**self._place, **self._waiting}
            self._waiting = {}


def _count(row: Row) -> Row:
    """Return the step among the figures: that of darknet, or one of a name of its own, as fairseq's num_updates."""
    counts = [value for name, value in row.items() if "updates" in name and meaning(name).role == "step"]
    counts += [value for name, value in row.items() if name == "step" and isinstance(value, int)]
    return {"step": int(counts[0])} if counts and math.isfinite(number(counts[0]) or math.nan) else {}


def _held_out(row: Row) -> Row:
    """Return the figures of a line that tells of held-out data, under names that say so."""
    told = {}
    for name, value in row.items():
        role = meaning(name).role
        plain = role in ("loss", "part", "train_metric") and not set(words_of(name)) & TRAIN
        told[f"val {name}" if plain else name] = value
    return told


def _object(line: str) -> Row | None:
    """Return the JSON object that a line ends with, as fairseq prints it."""
    start = line.find('{"')
    if start < 0 or not line.rstrip().endswith("}"):
        return None
    try:
        return {name: as_float(value) for name, value in flattened(json.loads(line[start:]))}
    except (ValueError, RecursionError):
        return None
