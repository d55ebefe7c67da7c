"""CSV and its kin: Lightning, Keras, Ultralytics, Stable-Baselines3, OpenAI, timm, fastai, own tables."""

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from trainadvisor.importers.metric_names import meaning
from trainadvisor.importers.opening import lines, text
from trainadvisor.importers.table import Row, Table

NAME = "CSV"
RANK = 3
DELIMITERS = ",;\t|"
TELLING = {"step", "epoch", "loss", "eval_loss", "part", "eval_part", "metric", "train_metric", "lr"}
LEAST_TELLING = 2
MONITOR = ["r", "l", "t"]
EXPORTED = ["Wall time", "Step", "Value"]
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
# A name of a column: no pair of name and number, no sentence.
NAMED = re.compile(r"(?![\d.+-]+$)[^:={}\[]{0,100}$")
FIGURED = re.compile(r"[a-z]\)?\s*[:=]?\s+[-+]?\d*\.?\d+|[:=]\s*\d", re.IGNORECASE)
COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?$")
MISSING = {"", "na", "n/a", "none", "null", "-"}


def matches(head: bytes, path: Path) -> bool:
    """Return whether the first line names columns of a training."""
    first = next(_bare(text(head).splitlines()), "")
    names = _named(_cells(first, _delimiter(first)), path)
    if not all(NAMED.match(name) for name in names):
        return False
    if any(FIGURED.search(name) for name in names):
        return False  # "step 1/100 | loss 2.5": what is printed in columns without a header
    return names == MONITOR or sum(meaning(name).role in TELLING for name in names) >= LEAST_TELLING


def read(path: Path) -> Table:
    """Return a row a line; a header that comes again is one, whichever columns it names."""
    table = Table(NAME, ())
    table.rows = _rows(path, table)
    return table


def _bare(found: Iterable[str]) -> Iterator[str]:
    return (line for line in found if line.strip() and not line.startswith("#"))


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:  # nearly every line, and what csv makes of it
        return [cell.strip().strip("'") for cell in line.split(delimiter)]
    try:
        return [cell.strip().strip("'\"") for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _rows(path: Path, table: Table) -> Iterator[Row]:
    header: list[str] = []
    delimiter, odd, torn = ",", 0, False
    for line in _bare(lines(path)):
        if not header:
            delimiter = _delimiter(line)
            header = _named(_header(line, delimiter, table), path)
            continue
        cells = _cells(line.replace("\0", ""), delimiter)
        if _is_header(cells, header):
            header = cells
            continue
        torn = len(cells) != len(header)
        odd += torn
        if not torn:
            yield {name: _value(cell) for name, cell in zip(header, cells, strict=True)}
    odd -= torn
    said = {
        "the last line is torn and was left out": torn,
        f"{odd} lines have more or fewer cells than the header and were left out": odd,
    }
    table.notes += [note for note, true in said.items() if true]


def _header(line: str, delimiter: str, table: Table) -> list[str]:
    """Return the names of the columns; those of a Monitor of Stable-Baselines3 are letters."""
    names = _cells(line, delimiter)
    if names == MONITOR:
        table.source = "Stable-Baselines3 monitor file"
        return ["episode reward", "episode length", "elapsed"]
    return names


def _named(names: list[str], path: Path) -> list[str]:
    """Return the names, that of the only curve from the file's where TensorBoard exported it: run-a-tag-loss.csv."""
    tag = path.stem.partition("-tag-")[2]
    return ["elapsed", "step", tag] if names == EXPORTED and tag else names


def _is_header(cells: list[str], header: list[str]) -> bool:
    """Return whether a line names columns again: most of its cells are names of the first header, none is a number."""
    return (
        bool(cells) and not any(NUMBER.match(cell) for cell in cells) and 2 * len(set(cells) & set(header)) > len(cells)
    )


def _value(cell: str) -> float | str | None:
    if NUMBER.match(cell):
        return float(cell)
    if COMMA.match(cell):
        return float(cell.replace(",", "."))
    return None if cell.lower() in MISSING else cell
