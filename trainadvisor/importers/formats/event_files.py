"""TensorBoard event files: those of torch, Lightning, transformers, Keras, detectron2, kohya and TRL."""

from collections.abc import Iterator
from pathlib import Path

from trainadvisor.importers.decode.event_folder import MARK, EventRows, belonging, trainings_below
from trainadvisor.importers.decode.tfrecord import is_frame
from trainadvisor.importers.table import Row, Table

NAME = "TensorBoard event file"
RANK = 0
# What writers put among the curves that is none.
NO_CURVES = ("hp_metric", "train_runtime", "_vs_iterations")


def matches(head: bytes, path: Path) -> bool:
    """Return whether a file starts with a frame."""
    del path
    return is_frame(head)


def matches_folder(folder: Path) -> bool:
    """Return whether event files lie in a folder or two floors below."""
    return any(True for pattern in (f"*{MARK}*", f"*/*{MARK}*", f"*/*/*{MARK}*") for _ in folder.glob(pattern))


def read(path: Path) -> Table:
    """Return the scalars by step, with those of the sibling folders of train and validation."""
    files = belonging(path)
    events = EventRows(files)
    table = Table(NAME, ())
    table.rows = _rows(events, table)
    count = len(trainings_below(path)) if path.is_dir() else 1
    if count > 1:
        table.notes.append(f"{count} trainings are there; the newest one is judged: {next(iter(files)).parent}")
    if len(files) > 1:
        table.notes.append(f"{len(files)} event files were read together: {', '.join(sorted(_places(files)))}")
    return table


def _places(files: dict[Path, str]) -> set[str]:
    return {part or path.parent.name for path, part in files.items()}


def _rows(events: EventRows, table: Table) -> Iterator[Row]:
    for step, moment, values in events:
        table.clock.note(moment)
        row: Row = {name: value for name, value in values.items() if not name.endswith(NO_CURVES)}
        if not row:
            continue
        for name in [name for name in row if name.rsplit("/", 1)[-1] in ("epoch", "global_step")]:
            row.setdefault("epoch", row.pop(name)) if name.endswith("epoch") else row.pop(name)
        yield {**row, "epoch" if _is_of_epochs(row) else "step": step}
    said = {
        f"{events.wrong} events have a wrong checksum and were left out": events.wrong,
        "the last event is torn and was left out (the run was killed or is still writing)": events.torn,
        f"what follows a damaged place in {', '.join(events.lost)} was left out": events.lost,
    }
    table.notes += [note for note, true in said.items() if true]


def _is_of_epochs(row: Row) -> bool:
    """Return whether the steps of a row are epochs, as in the curves that Keras names so."""
    return any(name.rsplit("/", 1)[-1].startswith("epoch_") for name in row)
