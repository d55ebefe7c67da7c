"""W&B run files (run-*.wandb), and the summaries that hold last values only."""

from collections.abc import Iterator
from pathlib import Path

from trainadvisor.importers.decode.tracked import flattened
from trainadvisor.importers.decode.wandb_file import MAGIC, WandbRun
from trainadvisor.importers.opening import binary
from trainadvisor.importers.table import Row, Table

NAME = "W&B run file"
RANK = 0


def matches(head: bytes, path: Path) -> bool:
    """Return whether a file starts as W&B's do."""
    del path
    return head.startswith(MAGIC)


def read(path: Path) -> Table:
    """Return the history by W&B's own step."""
    table = Table(NAME, ())
    table.rows = _rows(path, table)
    return table


def _rows(path: Path, table: Table) -> Iterator[Row]:
    with binary(path) as file:
        run = WandbRun(file)
        for row in run:
            table.clock.note(row.get("_runtime"))
            yield {name: value for name, value in flattened(row) if name not in ("_timestamp", "_runtime")}
    table.source = f"{NAME} ({run.version})" if run.version else NAME
    table.config = dict(flattened(run.config))
    if run.exit_code is not None:
        table.ended = "failed" if run.exit_code else "finished"
    said = {
        f"{run.wrong} records have a wrong checksum and were left out": run.wrong,
        "the last record is torn and was left out (the run was killed or is still writing)": run.torn,
    }
    table.notes += [note for note, true in said.items() if true]
