"""Takes the records of a log one batch at a time, into compact columns and lists."""

from collections.abc import Iterable
from itertools import compress
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from trainadvisor.errors import LogError
from trainadvisor.log import descriptions
from trainadvisor.log.cleaning import Cleaner, whole
from trainadvisor.log.columns import StepColumns
from trainadvisor.log.event_forms import is_complete
from trainadvisor.log.layer_samples import LayerStore
from trainadvisor.log.plain_steps import PlainSteps
from trainadvisor.log.records import FACTS, FORMAT, LOST
from trainadvisor.log.short_trainings import left_out
from trainadvisor.log.stream import Stream
from trainadvisor.log.typed import check_of

# Most events and evaluations kept of each kind; a real log has a few hundred.
MOST_RECORDS = 200_000


class LogRecords:
    """What a log holds, as it was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Number of processes whose logs were read together.
        self.processes = 1
        self.header: dict[str, Any] = {}
        self.models: list[dict[str, Any]] = []
        # Models as they were before they got other parameters, as by adapters that were put into them.
        self.former_models: list[dict[str, Any]] = []
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
        # Step at which each loss (by id) was first told of.
        self.first_called: dict[int, int] = {}
        self._facts: list[tuple[str, Any]] = []
        self._layers = LayerStore()
        self._clean = Cleaner(check_of)
        self._skipped = 0

    def take(self, batch: list[Any], plain: PlainSteps | None = None) -> None:
        """Dispatch a batch of records by kind, plain steps among them; the very first one must be the header."""
        if plain and not self.header:
            batch, plain = plain.with_others(batch), None
        if batch and not self.header:
            self._take_header(batch[0])
            batch = batch[1:]
        kinds = _kinds(batch)
        steps = batch
        if kinds.count("step") < len(batch):
            chosen = [kind == "step" for kind in kinds]
            steps = list(compress(batch, chosen))
            plain = plain and plain.beside(chosen)
            self._take_others((batch[place], kinds[place]) for place, step in enumerate(chosen) if not step)
        if steps or plain:
            self._columns.add(steps, plain)

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
        told = [whole(fact.get("id")) for fact in _list(self.header.get("losses")) if isinstance(fact, dict)]
        self.first_called = {number: 0 for number in told if number is not None}
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
            number = whole(detail.get("id")) if kind == "loss" and isinstance(detail, dict) else None
            if number is not None:
                self.first_called.setdefault(number, whole(record.get("step")) or 0)
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
        elif not is_complete(kind, detail):
            self._clean.mistyped += 1
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
        self.former_models = descriptions.former_models(self._facts)
        for plural, merged in descriptions.merge(self._facts).items():
            setattr(self, plural, merged)
        self._facts.clear()
        lost = sum(whole(event["detail"].get("count")) or 0 for event in self.events if event["kind"] == LOST)
        stride = self._columns.stride
        skipped = self._skipped + stream.bad_lines + self._columns.skipped + self._layers.skipped
        mistyped = self._clean.mistyped
        odd, trainings = self._columns.left_out, left_out(self.events)
        told = {
            "the last line is torn and was left out (the run was killed or is still writing)": stream.torn,
            f"{skipped} records could not be read and were left out": skipped,
            f"fields left out that are not of the type that a log has there: {mistyped}": mistyped,
            f"fields of steps that are not known and hold no numbers were left out: {_listed(odd)}": bool(odd),
            "the layers are so many that only a part of them was measured at a time": self._layers.parts > 0,
            "layer samples are so many that only a part of them was kept": self._layers.thinned,
            f"steps are so many that one of {stride} was kept": stride > 1,
            f"{trainings} short trainings were left out: they would have cost more than the budget": trainings,
            f"{lost} records were lost while recording: the disk was too slow": lost,
        }
        self.notes += [note for note, true in told.items() if true]
        facts = self.header.get("imported")
        self.notes += [str(note) for note in _list(facts.get("notes"))] if isinstance(facts, dict) else []

    def pack(self) -> None:
        """Arrange the samples of layers for signals, once all of them are here."""
        self._layers.pack()


def _kinds(batch: list[Any]) -> list[Any]:
    """Return the kind of each record, None of what is no record or has none."""
    try:
        return list(map(itemgetter("record"), batch))
    except (KeyError, TypeError):
        return [record.get("record") if type(record) is dict else None for record in batch]


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
    return f"{path}: holds no records; its run was killed before it trained, or has not begun to"
