"""Tables that a terminal or a notebook shows, their columns parted by blanks: fastai, Ultralytics, transformers."""

import re
from collections.abc import Iterator
from pathlib import Path

from trainadvisor.importers.field_values import number
from trainadvisor.importers.metric_names import meaning
from trainadvisor.importers.opening import lines, text
from trainadvisor.importers.table import Row, Table

NAME = "printed table"
RANK = 4
LONGEST = 1_000
TELLING = {"loss", "eval_loss", "part", "eval_part", "metric", "train_metric"}
LEAST_TELLING, LEAST_WORDS = 2, 3
WORD = re.compile(r"[A-Za-z][\w()./@%-]*$")
PLACE = re.compile(r"(\d+)(?:/(\d+))?$")


def matches(head: bytes, path: Path) -> bool:
    """Return whether a line of names is followed by a line with a number below each."""
    del path
    header: list[str] = []
    for line in text(head).splitlines():
        if header and _row(header, line):
            return True
        header = _header(line) or header
    return False


def read(path: Path) -> Table:
    """Return a row for each line of numbers below a line of names; rows of a second table join those of the first."""
    table = Table(NAME, ())
    table.rows = _rows(path)
    return table


def _rows(path: Path) -> Iterator[Row]:
    header: list[str] = []
    waiting: Row = {}
    for line in lines(path):
        if len(line) > LONGEST:
            continue
        found = _header(line)
        if found:
            header = found
            continue
        row = _row(header, line) if header else {}
        if row.keys() & waiting.keys():
            yield waiting
            waiting = {}
        waiting.update(row)
    if waiting:
        yield waiting


def _header(line: str) -> list[str]:
    """Return the names of a line that holds nothing else, some of them those of curves."""
    words = line.split(":", 1)[0].split()
    names = [word for word in words if WORD.match(word)]
    telling = sum(meaning(name).role in TELLING for name in names)
    return words if len(names) == len(words) >= LEAST_WORDS and telling >= LEAST_TELLING else []


def _row(header: list[str], line: str) -> Row:
    """Return the numbers of a line below their names; {} where it is no row of the table."""
    cells = line.split(":", 1)[0].split()
    if len(cells) < len(header) or (not line[:1].isspace() and not PLACE.match(cells[0])):
        return {}
    row: Row = {}
    for name, cell in zip(header, cells, strict=False):
        place = PLACE.match(cell)
        value = float(place.group(1)) if place else _float(cell)
        if value is not None and (meaning(name).role in TELLING or meaning(name).role in ("epoch", "step")):
            row[name.lower() if meaning(name).role == "epoch" else name] = value
    return row if any(meaning(name).role in TELLING for name in row) else {}


def _float(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return number(cell)
