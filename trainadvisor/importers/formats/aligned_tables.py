"""Tables of a terminal or a notebook, their columns parted by blanks: fastai, Ultralytics, transformers, spaCy."""

import re
from collections.abc import Iterator
from pathlib import Path

from trainadvisor.importers.field_values import number
from trainadvisor.importers.metric_names import HELD_OUT, meaning, words_of
from trainadvisor.importers.opening import lines, text
from trainadvisor.importers.table import Row, Table

NAME = "printed table"
RANK = 4
LONGEST = 1_000
TELLING = {"loss", "eval_loss", "part", "eval_part", "metric", "train_metric"}
LOSSES = {"loss", "eval_loss", "part", "eval_part"}
LEAST_TELLING, LEAST_WORDS = 2, 3
WORD = re.compile(r"[A-Za-z][\w()./@%-]*$")
PLACE = re.compile(r"(\d+)(?:/(\d+))?$")
# A line of dashes below the names, one piece a column.
RULE = re.compile(r"\s*-{2,}(?:\s+-{2,}){2,}\s*$")
# Names that only say where a row stands.
SHORT = {"e": "epoch", "#": "step"}
# The share that a progress bar behind a row shows.
SHARE = re.compile(r":\s*(\d+)%\|")


def matches(head: bytes, path: Path) -> bool:
    """Return whether a line of names is followed by a line with a number below each."""
    del path
    header: list[str] = []
    before = ""
    for line in text(head).splitlines():
        if len(line) < LONGEST:
            if header and _row(header, line):
                return True
            header = _header(line) or _above(before, line) or header
        before = line
    return False


def read(path: Path) -> Table:
    """Return a row for each line of numbers below a line of names; rows of a second table join those of the first."""
    table = Table(NAME, ())
    table.rows = _rows(path)
    return table


def _rows(path: Path) -> Iterator[Row]:
    header: list[str] = []
    waiting: Row = {}
    before = ""
    trains = False
    for line in lines(path):
        above, before = before, line
        if len(line) > LONGEST or _is_unfinished(line):
            continue
        found = _header(line) or _above(above, line)
        if found:
            header = found
            continue
        row = _row(header, line) if header else {}
        if trains and row and not any(meaning(name).role in LOSSES for name in row):
            row = {_held_out(name): value for name, value in row.items()}
        trains = trains or any(meaning(name).role in LOSSES for name in row)
        if row.keys() & waiting.keys():
            yield waiting
            waiting = {}
        waiting.update(row)
    if waiting:
        yield waiting


def _is_unfinished(line: str) -> bool:
    """Return whether the bar behind a row stands before its end."""
    share = SHARE.search(line)
    return share is not None and share[1] != "100"


def _held_out(name: str) -> str:
    """Return the name of a figure of a table without losses beside one with losses: one of held-out data."""
    is_figure = meaning(name).role == "train_metric" and not HELD_OUT & set(words_of(name))
    return f"val {name}" if is_figure else name


def _header(line: str) -> list[str]:
    """Return the names of a line that holds nothing else, some of them those of curves."""
    words = line.split(":", 1)[0].split()
    names = [word for word in words if WORD.match(word)]
    return words if len(names) == len(words) >= LEAST_WORDS and _tells(names) else []


def _above(line: str, rule: str) -> list[str]:
    """Return the names of a line above a line of dashes, cut where these are."""
    if not RULE.match(rule):
        return []
    places = [piece.start() for piece in re.finditer("-+", rule)]
    names = [line[start:end].strip() for start, end in zip(places, [*places[1:], None], strict=True)]
    return [SHORT.get(name.lower(), name) for name in names] if _tells(names) else []


def _tells(names: list[str]) -> bool:
    return sum(meaning(name).role in TELLING for name in names) >= LEAST_TELLING


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
