"""Small trainings, recorded in this process: what every test of the recorder starts from."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from trainadvisor.record.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

Record = dict[str, Any]


class Records(list):
    """The records of a run, in order, with the ways in which tests ask for them."""

    def of(self, kind: str) -> list[Record]:
        """Return the records of a kind."""
        return [record for record in self if record["record"] == kind]

    def column(self, name: str) -> list[Any]:
        """Return a field of every step record."""
        return [step.get(name) for step in self.of("step")]

    def layer(self, name: str, model: int = 0) -> list[Any]:
        """Return a column of every layers record of a model that has it."""
        return [row[name] for row in self.of("layers") if row["model"] == model and name in row]

    def events(self, kind: str) -> list[Record]:
        """Return the details of the events of a kind."""
        return [record["detail"] for record in self.of("event") if record["kind"] == kind]

    @property
    def tally(self) -> Record:
        """Return the last counts."""
        return self.events("tally")[-1]

    def facts(self, kind: str) -> list[Record]:
        """Return the facts of a kind as they were told last, by number."""
        plural = {"loss": "losses"}.get(kind, f"{kind}s")
        told = [*self.of("header")[0][plural], *self.events(kind)]
        return [fact for _, fact in sorted({fact["id"]: fact for fact in told}.items())]

    def named(self, model: int = 0) -> dict[str, Record]:
        """Return a model's parameters by name."""
        return {parameter["name"]: parameter for parameter in self.facts("model")[model]["parameters"]}

    @property
    def failures(self) -> list[Record]:
        """Return what went wrong in the recorder."""
        return self.events("probe-failed")


def make_recorder(records: list[Record], *, every: int = 1, discover: bool = True) -> Recorder:
    """Return a recorder whose samples no budget limits."""
    recorder = Recorder([records.append], discover=discover, every=every)
    recorder.gradients.burst = recorder.layers.burst = float("inf")
    return recorder


def record(train: Callable[[], object], *, every: int = 1, healthy: bool = True) -> Records:
    """Run a training under the recorder, keep what it returns to the end, and return the records.

    By default no probe may fail in it.
    """
    records = Records()
    recorder = make_recorder(records, every=every)
    recorder.start()
    try:
        kept = train()
    finally:
        recorder.stop("finished")
    del kept
    assert not healthy or not records.failures, records.failures
    return records


def cycle(batches: list[Any], count: int) -> list[Any]:
    """Return `count` batches, starting over as often as needed."""
    return list(itertools.islice(itertools.cycle(batches), count))
