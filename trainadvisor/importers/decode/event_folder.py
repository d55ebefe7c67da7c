"""The event files of one training: which of them belong together, and what they say row by row."""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from trainadvisor.importers.decode.event_file import Scalar, scalars
from trainadvisor.importers.decode.protobuf import MalformedError
from trainadvisor.importers.decode.tfrecord import Frames
from trainadvisor.importers.opening import binary
from trainadvisor.importers.thinning import Thinner, stride
from trainadvisor.regular import walked

MARK = ".tfevents."
PARTS = {"train", "training", "validation", "valid", "val", "eval", "evaluation", "test", "dev"}
MOST_FILES = 200


class EventRow(NamedTuple):
    """The scalars of one step that were written one after the other."""

    step: int
    seconds: float
    values: dict[str, float]


def belonging(path: Path) -> dict[Path, str]:
    """Return the event files of the training that a file or folder belongs to, each with the part that it tells of."""
    if path.is_dir():
        return _below(path)
    folder = path.parent
    if folder.name.lower() not in PARTS:
        return {path: ""}
    partners = [inner for inner in folder.parent.iterdir() if inner.name.lower() in PARTS and inner.is_dir()]
    return {file: inner.name.lower() for inner in sorted(partners) for file in _files(inner)}


def _files(folder: Path) -> list[Path]:
    """Return the event files directly in a folder, the oldest first: their names begin with the time."""
    return sorted(path for path in folder.iterdir() if MARK in path.name and path.is_file())[:MOST_FILES]


def trainings_below(folder: Path) -> dict[Path, dict[Path, str]]:
    """Return the event files below a folder by training."""
    found = [path for path in walked(folder, "") if MARK in path.name]
    trainings: dict[Path, dict[Path, str]] = {}
    own = {path.parent for path in found}
    for path in sorted(found):
        root, part = _place(path.parent, own)
        trainings.setdefault(root, {})[path] = part
    return trainings


def _below(folder: Path) -> dict[Path, str]:
    """Return the event files of the newest training below a folder."""
    trainings = trainings_below(folder)
    if not trainings:
        return {}
    newest = max(trainings.values(), key=lambda files: max(path.stat().st_mtime for path in files))
    return dict(islice(newest.items(), MOST_FILES))


def _place(folder: Path, own: set[Path]) -> tuple[Path, str]:
    """Return the folder of the training and the part: a subfolder of one with files, or one named train or the like."""
    if folder.parent in own or folder.name.lower() in PARTS:
        return folder.parent, folder.name
    return folder, ""


def curve_name(tag: str, part: str) -> str:
    """Return the name of a curve; add_scalars names the folder of each curve after tag and curve."""
    if not part:
        return tag
    start = tag.replace("/", "_").replace(" ", "_") + "_"
    return f"{part.removeprefix(start)}/{tag}"


@dataclass
class EventRows:
    """Iterates over the rows of event files in the order in which they were written, and keeps count of the damage."""

    files: dict[Path, str]
    wrong: int = 0
    torn: bool = False
    lost: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[EventRow]:
        with ExitStack() as open_files:
            streams = [
                self._scalars(
                    Frames(path, open_files.enter_context(binary(path)), keeps=Thinner(stride(path)).keeps), part
                )
                for path, part in self.files.items()
            ]
            yield from rows(heapq.merge(*streams, key=lambda scalar: scalar.time))

    def _scalars(self, frames: Frames, part: str) -> Iterator[Scalar]:
        for frame in frames:
            try:
                found = list(scalars(frame))
            except MalformedError:
                self.wrong += 1
                continue
            for scalar in found:
                yield scalar._replace(tag=curve_name(scalar.tag, part)) if part else scalar
        self.wrong += frames.wrong
        self.torn |= frames.torn
        self.lost += [frames.path.name] if frames.lost else []


def rows(found: Iterable[Scalar]) -> Iterator[EventRow]:
    """Yield a row as soon as a scalar of another step comes, or a second one of the same name."""
    values: dict[str, float] = {}
    step, seconds = 0, 0.0
    for scalar in found:
        if values and (scalar.step != step or scalar.tag in values):
            yield EventRow(step, seconds, values)
            values = {}
        step, seconds = scalar.step, scalar.time
        values[scalar.tag] = scalar.value
    if values:
        yield EventRow(step, seconds, values)
