"""Reads a log (finished, truncated or still being written) into compact columns."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from trainadvisor.log.cleaning import whole
from trainadvisor.log.columns import Floats, Ints
from trainadvisor.log.combining import combine
from trainadvisor.log.evaluation_records import held_out, on_training_data, told_apart
from trainadvisor.log.layer_samples import LayerSeries, Sample, fitting
from trainadvisor.log.printed_figures import with_printed
from trainadvisor.log.records import CUT
from trainadvisor.log.stream import Stream
from trainadvisor.log.taken_records import LogRecords
from trainadvisor.log.training_phases import TrainingPhase, main_phase, phases_of, renewed


def read_log(path: str | os.PathLike[str]) -> "RunLog":
    """Read a log (plain, .gz or .zst) and the logs of the training's other processes next to it; raises LogError."""
    log = _read_alone(Path(path))
    combine(log, _read_alone)
    return log


def _read_alone(path: Path) -> "RunLog":
    log = RunLog(path)
    with _no_collection():
        for records, plain in (stream := Stream(log.path)).batches():
            log.take(records, plain)
    log.finish(stream)
    log.pack()
    return log


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the garbage collector, which would scan millions of records that hold no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class RunLog(LogRecords):
    """One training as recorded; series cover its main phase unless a name says otherwise."""

    # Whether more of it may come: it is read while the training runs.
    growing = False

    @cached_property
    def cut(self) -> dict[str, Any] | None:
        """Return why the log ends before its training, and the number of steps of the training if known."""
        told = next((event["detail"] for event in reversed(self.events) if event["kind"] == CUT), None)
        return told and {"reason": str(told.get("reason") or "?"), "steps": whole(told.get("steps"))}

    # -- steps

    @property
    def all_steps_count(self) -> int:
        """Return the number of recorded steps of all phases."""
        return self._columns.count

    def whole_column(self, name: str) -> Floats:
        """Return a step column of all phases."""
        return self._columns.column(name)

    def replace_column(self, name: str, values: Floats) -> None:
        """Replace a column of all phases by the one that several processes give together."""
        self._columns.replace(name, values)

    def samples_of(self, model: int) -> dict[str, list[Sample]]:
        """Return the samples of a model's parameters and layers, to be combined with those of other processes."""
        return self._layers.samples.get(model, {})

    @cached_property
    def phases(self) -> list[TrainingPhase]:
        """Return the phases of the training in order; optimizers used in overlapping stretches share a phase."""
        return phases_of(self._columns, self.optimizers)

    @cached_property
    def phase(self) -> TrainingPhase:
        """Return the phase that is judged."""
        return main_phase(self.phases)

    @property
    def turns(self) -> dict[tuple[int, ...], int]:
        """Return the number of steps that each combination of optimizers took over the whole run."""
        return dict(self._columns.turns)

    @property
    def turn_numbers(self) -> tuple[tuple[int, ...], ...]:
        """Return the combinations of optimizers by the numbers that the column "opt" holds."""
        return tuple(self._columns.turn_numbers)

    @cached_property
    def _span(self) -> slice:
        return slice(self.phase.start, self.phase.stop)

    @cached_property
    def steps(self) -> Ints:
        """Return the step numbers of the main phase."""
        return self._columns.column("step")[self._span].astype(np.int64)

    @property
    def more_columns(self) -> tuple[str, ...]:
        """Return the names of the number fields of steps that the contract does not name."""
        return self._columns.more

    def column(self, name: str) -> Floats:
        """Return a step column of the main phase; nan where it was not recorded."""
        return self._columns.column(name)[self._span]

    def all_loss_ids(self) -> Floats:
        """Return the number of the loss that each step of all phases has minimized; nan where none is known."""
        return self._columns.column("loss_id")

    @cached_property
    def lr_groups(self) -> Floats:
        """Return the learning rate of each group (columns) at each step (rows)."""
        return self._columns.rates()[self._span]

    @cached_property
    def lr(self) -> Floats:
        """Return the largest learning rate of each step."""
        if self.lr_groups.shape[1] == 1:
            return self.lr_groups[:, 0]
        known = np.where(np.isnan(self.lr_groups), -np.inf, self.lr_groups)
        largest: Floats = known.max(axis=1, initial=-np.inf)
        return np.where(np.isneginf(largest), np.nan, largest)

    @cached_property
    def evaluations(self) -> list[dict[str, Any]]:
        """Return the evaluations of the main phase, on whatever data."""
        return [record for record in self.told_evals if self.phase.covers_eval(record["step"])]

    @cached_property
    def told_evals(self) -> list[dict[str, Any]]:
        """Return the evaluations of all phases, those of each data set in a series of its own."""
        return told_apart(self.all_evals)

    @cached_property
    def renewed_at(self) -> int:
        """Return the step at which an optimizer of the main phase was last made anew, else its first one."""
        made = renewed(self.optimizers, self.phase.optimizers)
        places = [self._columns.first_use[o] for o in made if o in self._columns.first_use]
        numbers = self._columns.column("step")
        inside = [int(numbers[place]) for place in places if place < numbers.size]
        return max(inside, default=self.phase.first)

    @cached_property
    def evals(self) -> list[dict[str, Any]]:
        """Return the evaluations of the main phase that are its validation."""
        return with_printed(held_out(self.evaluations), self.events, alone=not self.train_evals)

    @cached_property
    def train_evals(self) -> list[dict[str, Any]]:
        """Return the evaluations of the main phase on its training data."""
        return on_training_data(self.evaluations)

    # -- models and layers

    @cached_property
    def model(self) -> dict[str, Any] | None:
        """Return the main model: the one with most parameters in the optimizers of the main phase."""
        held = self._held_parameters()
        ranked = sorted(
            self.models, key=lambda model: (_held_count(model, held), model["name"] != "(unregistered)", -model["id"])
        )
        return ranked[-1] if ranked else None

    def _held_parameters(self) -> set[int]:
        used = [o for o in self.optimizers if o["id"] in self.phase.optimizers] or self.optimizers
        return {number for optimizer in used for group in optimizer["groups"] for number in group["parameters"]}

    @cached_property
    def layers(self) -> LayerSeries:
        """Return the layer samples of the main model."""
        return self.layers_of(self.model)

    def layers_of(self, model: dict[str, Any] | None) -> LayerSeries:
        """Return the layer samples of one model within the main phase."""
        chosen = model or {"id": -1, "layers": [], "parameters": []}
        samples, first, last = self._layers.samples.get(chosen["id"], {}), self.phase.first, self.phase.last
        versions = [former for former in self.former_models if former["id"] == chosen["id"]]
        return LayerSeries(fitting([chosen, *versions], samples, first, last), samples, self.tables, first, last)


def _held_count(model: dict[str, Any], held: set[int]) -> int:
    return sum(max(p["count"], 1) for p in model["parameters"] if p["id"] in held)
