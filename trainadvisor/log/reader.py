"""Reads a log (finished, truncated or still being written) into compact columns."""

import gc
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from trainadvisor.errors import LogError
from trainadvisor.log import descriptions
from trainadvisor.log.cleaning import Cleaner, whole
from trainadvisor.log.columns import Floats, Ints, StepColumns
from trainadvisor.log.combining import combine
from trainadvisor.log.evaluation_records import held_out, on_training_data
from trainadvisor.log.layer_samples import LayerSeries, LayerStore, Sample
from trainadvisor.log.records import CUT, FACTS, FORMAT, LOST
from trainadvisor.log.stream import Stream
from trainadvisor.log.training_phases import TrainingPhase, main_phase, phases_of
from trainadvisor.log.typed import fits

# Most events and evaluations kept of each kind; a real log has a few hundred.
MOST_RECORDS = 200_000


def read_log(path: str | os.PathLike[str]) -> "RunLog":
    """Read a log (plain, .gz or .zst) and the logs of the training's other processes next to it; raises LogError."""
    log = _read_alone(Path(path))
    combine(log, _read_alone)
    return log


def _read_alone(path: Path) -> "RunLog":
    log = RunLog(path)
    with _no_collection():
        for batch in (stream := Stream(log.path)):
            log.take(batch)
    log.finish(stream)
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


class RunLog:
    """One training as recorded; series cover its main phase unless a name says otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Number of processes whose logs were read together.
        self.processes = 1
        self.header: dict[str, Any] = {}
        self.models: list[dict[str, Any]] = []
        self.optimizers: list[dict[str, Any]] = []
        self.losses: list[dict[str, Any]] = []
        self.loaders: list[dict[str, Any]] = []
        self.schedulers: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.all_evals: list[dict[str, Any]] = []
        self.end: dict[str, Any] | None = None
        self.notes: list[str] = []
        self.tally: dict[str, Any] = {}
        self.inputs: dict[tuple[int, str], dict[str, Any]] = {}
        self.tables: dict[int, dict[str, Any]] = {}
        self._facts: list[tuple[str, Any]] = []
        self._layers = LayerStore()
        self._clean = Cleaner(fits)
        self._skipped = 0

    # -- reading

    def take(self, batch: list[Any]) -> None:
        """Dispatch a batch of records by kind; the very first one must be the header."""
        if batch and not self.header:
            self._take_header(batch[0])
            batch = batch[1:]
        kinds = [record.get("record") if type(record) is dict else None for record in batch]
        steps = batch
        if kinds.count("step") < len(batch):
            steps = [record for record, kind in zip(batch, kinds, strict=True) if kind == "step"]
            self._take_others((record, kind) for record, kind in zip(batch, kinds, strict=True) if kind != "step")
        if steps:
            self._columns.add(steps)

    def _take_others(self, others: Iterable[tuple[Any, Any]]) -> None:
        for record, kind in others:
            if isinstance(kind, str):
                self._take_other(kind, record)
            else:
                self._skipped += 1

    def _take_header(self, record: Any) -> None:
        if not isinstance(record, dict) or record.get("record") != "header":
            raise LogError(
                f"{self.path}: is not a trainadvisor log (no header in the first line); name the log.json of a run"
            )
        number = whole(record.get("format"))
        if number is None or number < 1:
            raise LogError(f"{self.path}: the header has no format number; record the run again")
        if number > FORMAT:
            raise LogError(
                f"{self.path}: written by a newer trainadvisor (format {number}); upgrade trainadvisor to read it"
            )
        self.header = self._clean(record)
        if self._clean.room < 0:
            raise LogError(f"{self.path}: the header is too large to be one; name the log.json of a run")
        self._facts += [(plural, fact) for plural in FACTS.values() for fact in _list(self.header.get(plural))]
        self._columns = StepColumns(0.0 if self.header.get("source", "recorder") == "recorder" else np.nan)

    def _take_other(self, kind: str, record: dict[str, Any]) -> None:
        if kind == "layers":
            self._layers.add(record)
        elif kind == "event":
            self._take_event(record)
        elif kind == "eval":
            self._take_eval(record)
        elif kind == "end":
            self._take_end(record)

    def _take_event(self, record: dict[str, Any]) -> None:
        record = self._clean(record) or {}
        kind, detail = record.get("kind"), record.get("detail")
        if not isinstance(kind, str) or len(self.events) >= MOST_RECORDS or self._clean.room < 0:
            self._skipped += 1
        elif kind in FACTS:
            self._facts.append((FACTS[kind], detail))
        else:
            self._keep_event({**record, "detail": detail if isinstance(detail, dict) else {}})

    def _keep_event(self, event: dict[str, Any]) -> None:
        kind, detail = event["kind"], event["detail"]
        if kind == "tally":
            self.tally = detail
        elif kind == "inputs":
            self.inputs[whole(detail.get("model")) or 0, str(detail.get("phase", "train"))] = detail
        elif kind == "table" and whole(detail.get("id")) is not None and isinstance(detail.get("rows"), list):
            self.tables[detail["id"]] = detail
        else:
            self.events.append(
                {**event, "step": whole(event.get("step")) or 0, "subject": str(event.get("subject") or "")}
            )

    def _take_eval(self, record: dict[str, Any]) -> None:
        step = whole(record.get("step"))
        if step is None or len(self.all_evals) >= MOST_RECORDS:
            self._skipped += 1
            return
        record = self._clean(record) or {}
        if self._clean.room < 0:
            self._skipped += 1
            return
        plain = {name: record[name] if isinstance(record.get(name), dict) else {} for name in ("losses", "metrics")}
        self.all_evals.append({**record, **plain})

    def _take_end(self, record: dict[str, Any]) -> None:
        self.end = self._clean(record) or {}

    def finish(self, stream: Stream) -> None:
        """Assemble what was collected and note what could not be read."""
        if not self.header:
            raise LogError(_headless(self.path, stream))
        for plural, merged in descriptions.merge(self._facts).items():
            setattr(self, plural, merged)
        self._facts.clear()
        lost = sum(whole(event["detail"].get("count")) or 0 for event in self.events if event["kind"] == LOST)
        stride = self._columns.stride
        skipped = self._skipped + stream.bad_lines + self._columns.skipped + self._layers.skipped
        mistyped = self._clean.mistyped
        odd = self._columns.left_out
        told = {
            "the last line is torn and was left out (the run was killed or is still writing)": stream.torn,
            f"{skipped} records could not be read and were left out": skipped,
            f"fields left out that are not of the type that a log has there: {mistyped}": mistyped,
            f"fields of steps that are not known and hold no numbers were left out: {_listed(odd)}": bool(odd),
            "the layers are so many that only a part of them was measured at a time": self._layers.parts > 0,
            "layer samples are so many that only a part of them was kept": self._layers.thinned,
            f"steps are so many that one of {stride} was kept": stride > 1,
            f"{lost} records were lost while recording: the disk was too slow": lost,
        }
        self.notes += [note for note, true in told.items() if true]
        facts = self.header.get("imported")
        self.notes += [str(note) for note in _list(facts.get("notes"))] if isinstance(facts, dict) else []

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

    @cached_property
    def lr_groups(self) -> Floats:
        """Return the learning rate of each group (columns) at each step (rows)."""
        return self._columns.rates()[self._span]

    @cached_property
    def lr(self) -> Floats:
        """Return the largest learning rate of each step."""
        known = np.where(np.isnan(self.lr_groups), -np.inf, self.lr_groups)
        largest: Floats = known.max(axis=1, initial=-np.inf)
        return np.where(np.isneginf(largest), np.nan, largest)

    @cached_property
    def evaluations(self) -> list[dict[str, Any]]:
        """Return the evaluations of the main phase, on whatever data."""
        return [record for record in self.all_evals if self.phase.covers_eval(record["step"])]

    @cached_property
    def evals(self) -> list[dict[str, Any]]:
        """Return the evaluations of the main phase that are its validation."""
        return held_out(self.evaluations)

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
        return LayerSeries(
            chosen, self._layers.samples.get(chosen["id"], {}), self.tables, self.phase.first, self.phase.last
        )


def _held_count(model: dict[str, Any], held: set[int]) -> int:
    return sum(max(p["count"], 1) for p in model["parameters"] if p["id"] in held)


def _listed(names: set[str]) -> str:
    shown = [name[:40] for name in sorted(names)[:5]]
    return ", ".join([*shown, "..."] if len(names) > len(shown) else shown)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _headless(path: Path, stream: Stream) -> str:
    if path.stat().st_size == 0:
        return f"{path}: is empty; the run wrote nothing"
    if stream.bad_lines or stream.torn:
        return f"{path}: is not a trainadvisor log (not JSON); name the log.json of a run"
    return f"{path}: holds no records; the run wrote nothing"
