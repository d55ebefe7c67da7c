"""What every importer hands over: rows of named values, with what the file says about itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from trainadvisor.importers.clock import Clock

Row = dict[str, Any]


@dataclass(frozen=True)
class Hints:
    """What the user says of a log: which run of several, how many classes, which loss."""

    run: int | None = None
    classes: int | None = None
    loss: str | None = None


@dataclass
class Table:
    """The rows of a file in their order, and the facts beside them."""

    # Format and version, as a reader would name it.
    source: str
    rows: Iterable[Row]
    # Total of the steps that were planned, where the file tells.
    planned_steps: int | None = None
    # Settings of the run, by name.
    config: Row = field(default_factory=dict)
    # What a reader should know; complete when the rows were read.
    notes: list[str] = field(default_factory=list)
    # How the run ended, where the file tells: finished, failed, killed.
    ended: str | None = None
    # Whether a loss of exactly 0 may be a NaN that the writer took out.
    hides_nan: bool = False
    # Whether figures have all their digits, as in a dictionary that Python prints; complete when the rows were read.
    all_digits: bool = False
    # Whether the format is so certain that no rows are an answer as well.
    may_be_empty: bool = False
    # The error that ended the run, as the recorder describes one.
    error: Row | None = None
    # Names of columns with the role that they have in this format, where the name alone would mislead.
    roles: dict[str, str] = field(default_factory=dict)
    # How long the run took, as far as it was told; complete when the rows were read.
    clock: Clock = field(default_factory=Clock)
