"""Records on their way out: the header waits for the first facts, and each record for its readings."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import torch

from trainadvisor.instrument.guard import Guard
from trainadvisor.interruptions import from_handler
from trainadvisor.log.records import END, FACTS, HEADER, LAYERS, STEP, Record
from trainadvisor.record import environment
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.step import Arrived, Step

Subscriber = Callable[[Record], None]

# Seconds of a step after which the header waits for no further one: the process may be killed meanwhile.
_LONG = 1.0


class RecordQueue:
    """Hands records to the subscribers in the order in which they were put."""

    def __init__(self, subscribers: Iterable[Subscriber], guard: Guard, header: Record) -> None:
        """Take the subscribers and what the header holds besides the environment."""
        self.subscribers = list(subscribers)
        self._guard = guard
        self._header: Record | None = {**environment.header(), **header}
        self._waiting: deque[tuple[Record, list[tuple[Reading, Arrived]]]] = deque()

    def put(self, record: Record, pending: list[tuple[Reading, Arrived]]) -> None:
        """Queue a record; it leaves, in order, when its readings have arrived."""
        self._waiting.append((record, pending))
        if self._header is not None and record["record"] == STEP and record["seconds"] > _LONG:
            self.open()

    def announced(self, kind: str, fact: Record) -> bool:
        """Put a fact into the header, if that is still here."""
        if self._header is None:
            return False
        listed = self._header.setdefault(FACTS[kind], [])
        listed[:] = [other for other in listed if other["id"] != fact["id"]] + [fact]
        return True

    def device(self, where: torch.device) -> None:
        """Note the device in the header."""
        if self._header is not None:
            self._header |= environment.device(where)

    def seed(self, seed: int | None) -> None:
        """Keep the first seed that the script sets."""
        if self._header is not None and self._header.get("seed") is None:
            self._header["seed"] = seed

    def open(self) -> None:
        """Send the header; records may follow."""
        if self._header is not None:
            record, self._header = {"record": HEADER, **self._header}, None
            self._emit(record)

    def drain(self) -> None:
        """Send the records up to the first whose readings are still on their way."""
        if self._header is not None:
            return
        while self._waiting:
            pending = self._waiting[0][1]
            if pending and any(reading.values is None for reading, _ in pending):
                return
            record, pending = self._waiting.popleft()
            for reading, arrived in pending:
                self._guard(arrived.__qualname__, arrived, reading.values)
            self._emit(record)

    def end(self, reason: str, steps: int, seconds: float) -> None:
        """Send all that is left, and the end."""
        self.open()
        self.drain()
        self._emit({"record": END, "reason": reason, "steps": steps, "seconds": seconds})

    def emit_plain(self, record: Record) -> None:
        """Send the record of a plain step at once: nothing waits before it."""
        if not self._guard.is_clean:
            self._emit(record)
            return
        for subscriber in self.subscribers:
            try:
                subscriber(record)
            except Exception as error:
                if from_handler(error):
                    raise
                self._guard.failed(type(subscriber).__name__, error)

    def _emit(self, record: Record) -> None:
        for subscriber in self.subscribers:
            self._guard(type(subscriber).__name__, subscriber, record)


def layer_records(step: Step, trained: set[int]) -> Iterator[tuple[Record, list[tuple[Reading, Arrived]]]]:
    """Yield what the layer probes found in a step: one record a model, and part of it, that was trained."""
    together: dict[tuple[int, object], list[Record]] = {}
    for number, columns in (item for part in step.samples.values() for item in part.items()):
        together.setdefault((number, columns.get("rows")), []).append(columns)
    for (number, _), parts in together.items():
        if number in trained or not step.stepped:
            record: Record = {"record": LAYERS, "step": step.number, "model": number}
            yield record, [(Reading([]), _joining(record, parts))]


def _joining(record: Record, parts: list[Record]) -> Arrived:
    """Return what joins the parts once they are here."""

    def join(_: list[float]) -> None:
        for part in parts:
            record.update(part)

    return join
