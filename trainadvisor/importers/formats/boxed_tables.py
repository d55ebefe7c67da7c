"""Tables of two columns that a terminal shows, one a report: Stable-Baselines3, baselines, Spinning Up, garage."""

import re
from collections.abc import Iterator
from pathlib import Path

from trainadvisor.importers.field_values import as_float
from trainadvisor.importers.metric_names import meaning
from trainadvisor.importers.opening import lines, text
from trainadvisor.importers.table import Row, Table

NAME = "printed boxes"
RANK = 4
LONGEST = 300
FEWEST = 3
BOXED = re.compile(r"\s*[|│]\s*([A-Za-z_][\w./ -]{0,60}?)\s*[|│]\s*([-+\w.]*)\s*[|│]\s*$")
TELLING = {"loss", "part", "metric", "figure"}
# Steps of the environment count; iterations are told beside them.
STEPS = ("total_timesteps", "timesteps", "totalenvinteracts", "step", "steps")


def matches(head: bytes, path: Path) -> bool:
    """Return whether some lines hold a name and a value between bars, one of them that of a curve."""
    del path
    cells = [cell for line in text(head).splitlines() if len(line) < LONGEST and (cell := BOXED.match(line))]
    filled = [cell for cell in cells if isinstance(as_float(cell[2]), float)]
    return len(filled) >= FEWEST and any(meaning(cell[1]).role in TELLING for cell in filled)


def read(path: Path) -> Table:
    """Return a row for each table; a name that comes again begins the next one."""
    return Table(NAME, _rows(path))


def _rows(path: Path) -> Iterator[Row]:
    row: Row = {}
    section = ""
    for line in lines(path):
        cell = BOXED.match(line) if len(line) < LONGEST else None
        if cell is None:
            continue
        name, value = cell[1].strip(), as_float(cell[2])
        if name.endswith("/"):
            section = name
            continue
        if not isinstance(value, float):
            continue
        name = _whole(section, name)
        if name in row:
            yield row
            row = {}
        row[name] = value
    if row:
        yield row


def _whole(section: str, name: str) -> str:
    """Return the name with its section, which says of a loss that it is one of training; that of a step alone."""
    return "step" if name.lower() in STEPS else f"{section}{name}"
