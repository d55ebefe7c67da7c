"""Each record and note of the logs of other programs, whole, torn, and ended by an error.

To approve a change, delete the line of the log (or the whole file), run the test twice and read the difference.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from importers import odd_files
from importers import test_printed_formats as printed
from importers.make_fixtures import HERE
from variedlogs import hold_line, told

from trainadvisor.errors import LogError
from trainadvisor.importers.foreign_logs import imported
from trainadvisor.importers.table import Hints

if TYPE_CHECKING:
    from pathlib import Path

PRINTED = {name: text for name, text in vars(printed).items() if name.isupper() and isinstance(text, str)}
WRITTEN = {
    path.relative_to(HERE).parts[0] + "-" + path.name: path
    for pattern in ("**/events.*", "**/*.wandb", "**/*.json", "**/*.csv", "**/*.gz")
    for path in sorted(HERE.glob(pattern))
}
FAILED = """Traceback (most recent call last):
  File "train.py", line 12, in <module>
    loss = model(x)
RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB
"""
WAYS = {
    "whole": lambda data: data,
    "torn": lambda data: data[: 7 * len(data) // 10],
    "twice": lambda data: data + data,
    "failed": lambda data: data + FAILED.encode(),
}


def result(path: Path, hints: Hints | None = None) -> Any:
    """Return what an import makes, or why there is nothing, without the folder."""
    try:
        records, notes = imported(path, hints)
    except LogError as error:
        return str(error).replace(str(path), path.name)
    return told({"records": records, "notes": notes})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PRINTED)
def test_what_is_read_of_printed_lines(tmp_path: Path, name: str, way: str) -> None:
    """The same for the same lines; an error at the end is told."""
    path = tmp_path / "train.log"
    path.write_bytes(WAYS[way](PRINTED[name].encode()))
    hold_line("imported-lines.json", f"{name} {way}", result(path))


@pytest.mark.parametrize("way", ["whole", "torn"])
@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_read_of_files(tmp_path: Path, name: str, way: str) -> None:
    """Of a torn file what comes before the tear."""
    data = WRITTEN[name].read_bytes()
    path = tmp_path / WRITTEN[name].name.removesuffix(".gz")
    path.write_bytes(WAYS[way](gzip.decompress(data) if name.endswith(".gz") else data))
    hold_line("imported-files.json", f"{name} {way}", result(path))


@pytest.mark.parametrize("hints", [Hints(run=1), Hints(run=9), Hints(classes=4), Hints(loss="accuracy")])
def test_what_the_user_says_of_a_log(tmp_path: Path, hints: Hints) -> None:
    """Which run of several, how many classes there are, which figure is the loss."""
    path = tmp_path / "train.log"
    path.write_text(PRINTED["KERAS"] * 2)
    hold_line("imported-lines.json", f"hints {hints.run} {hints.classes} {hints.loss}", result(path, hints))


@pytest.mark.parametrize("name", odd_files.FILES)
def test_what_is_read_of_odd_files(tmp_path: Path, name: str) -> None:
    """Rows, notes and events, or the sentence that refuses a file."""
    path = tmp_path / name
    path.write_bytes(odd_files.FILES[name])
    hold_line("imported-odd.json", name, brief(result(path)))


def brief(found: Any) -> Any:
    """Return what is told of a result: of many steps the first three, the last, and the sum of every column."""
    if isinstance(found, str):
        return found
    header, *rest = found["records"]
    plain = {name: value for name, value in header.items() if name not in ("created", "path")}
    steps = [record for record in rest if record["record"] == "step"]
    evals = [record for record in rest if record["record"] == "eval"]
    told_of = [shorter(kind) for kind in (steps, evals)]
    others = [record for record in rest if record not in steps and record not in evals]
    return {"header": plain, "steps": told_of[0], "evals": told_of[1], "others": others, "notes": found.get("notes")}


def shorter(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the number of rows, some of them, and of each column how often it is told and its sum."""
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    sums = {
        name: [len(values), told(sum(value for value in values if isinstance(value, float)))]
        for name, values in sorted(columns.items())
    }
    return {"rows": len(rows), "some": [*rows[:2], *rows[-1:]], "columns": sums}
