"""Each record and note of the logs of other programs, whole, torn, and ended by an error.

To approve a change, delete the line of the log (or the whole file), run the test twice and read the difference.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
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
