"""The state of a recording that all probes share, and its records on their way out."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from trainadvisor.instrument.guard import Guard
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.log.records import EVENT, Record
from trainadvisor.record import process_rank
from trainadvisor.record.call_counts import CallCounts
from trainadvisor.record.device_readback import HostValues, Reading, Values, values_for
from trainadvisor.record.handlers import Handlers
from trainadvisor.record.loss_scale import LossScale
from trainadvisor.record.losses.loss_registry import LossRegistry
from trainadvisor.record.objects.registry import ObjectRegistry
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.overhead import Overhead
from trainadvisor.record.record_queue import RecordQueue, Subscriber
from trainadvisor.record.sampling import DEFAULT_SHARE, Budget
from trainadvisor.record.step import Arrived, Step

# Steps of a run that may be sampled because their loss jumped.
_MOST_CLOSER = 30


class Recording:
    """What probes see of the recorder as their Context."""

    def __init__(
        self,
        subscribers: Iterable[Subscriber],
        *,
        discover: bool,
        every: int = 10,
        overhead: float = DEFAULT_SHARE,
        header: Record | None = None,
    ) -> None:
        """Take who gets the records, whether unknown models are recorded, the layers' cadence and the part of time."""
        self.discover = discover
        self.guard = Guard(lambda name, error: self.event("probe-failed", name, {"probe": name, "error": error}))
        self.queue = RecordQueue(subscribers, self.guard, {**(header or {}), "recorder": _cadence(every, overhead)})
        self.objects = ObjectRegistry(self.announce)
        self.values: Values = HostValues()
        self.processes = process_rank.place()[1]
        self.losses, self.counts, self.scale = LossRegistry(self.announce), CallCounts(), LossScale()
        self.cost = Overhead(Budget(overhead, every, common=self.processes > 1), self._tell_overhead)
        self.gradients, self.layers = self.cost.budget.gradients, self.cost.budget.layers
        self.step_number = self.skipped = self.trainings_left_out = 0
        self.step = Step(0, self.cost.started, sample_gradients=True, sample_layers=True)
        self.last_epoch: int | None = None
        self.handlers = Handlers(self.guard, [])
        self._busy = self._device_known = False
        self._closer = 0

    def event(self, kind: str, subject: str, detail: Record, pending: Iterable[tuple[Reading, Arrived]] = ()) -> None:
        """Write an event at the current step; it leaves when its readings are here."""
        record = {"record": EVENT, "kind": kind, "step": self.step_number, "subject": subject, "detail": detail}
        self.queue.put(record, list(pending))

    def announce(self, kind: str, fact: Record, more: Callable[[], Record] = dict) -> None:
        """Tell a fact: in the header while that waits, else as an event; `more` is asked again when that leaves."""
        now = fact | more()
        if not self.queue.announced(kind, fact if more is dict else now):
            subject = str(fact.get("name") or fact.get("class") or "")
            self.event(kind, subject, now, [(Reading([]), lambda _: now.update(more()))])

    def write(self, record: Record, pending: list[tuple[Reading, Arrived]]) -> None:
        """Queue a record; it leaves, in order, when its readings are here."""
        self.queue.put(record, pending)

    def note_seed(self, seed: int | None) -> None:
        """Keep the first seed that the script sets."""
        self.queue.seed(seed)

    def drain(self, *, wait: bool = False) -> None:
        """Send the queued records whose readings are here; with `wait`, all."""
        self.values.poll(wait=wait)
        self.queue.drain()

    def publish(self, event: str, *args: object) -> None:
        """Hand an event to every probe that takes it."""
        self.handlers(event, *args)

    def look_closer(self) -> None:
        """Sample the gradients of this step and the layers of the next, whatever the cadence; a few times in a run."""
        if self._closer < _MOST_CLOSER:
            self._closer += 1
            slot.clear()
            self.step.sample_gradients = self.handlers.sampling = self.layers.forced = True

    @property
    def sampling(self) -> bool:
        """Whether gradients or layers of the current step are sampled."""
        return self.handlers.sampling

    @property
    def is_measuring(self) -> bool:
        """Whether what is called now is called by the recorder itself, or hidden from it."""
        return self._busy

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """Ignore what is called meanwhile: it is our own, not the script's."""
        slot.clear()
        busy, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = busy

    @contextmanager
    def held(self) -> Iterator[None]:
        """Leave out, inside of an event, the time for which we let the training wait."""
        self.cost.pause()
        try:
            yield
        finally:
            gap = self.cost.resume()
            self.step.begun += gap
            self.cost.leave_out(gap)

    def spend(self, seconds: float) -> None:
        """Count time that was spent for the recording outside of its events."""
        self.cost.spend(seconds)

    def note_written(self, faults: Callable[[], Iterable[tuple[str, Record]]]) -> None:
        """Write the faults that stand in the sources, by their codes; looking for them cannot fail the script."""

        def note() -> None:
            for code, place in faults():
                self.event("written-fault", code, place)

        self.guard("written-faults", note)

    def spend_before_first_step(self, seconds: float) -> None:
        """Charge the layers' samples with what finding the models took, which is no step's time."""
        self.cost.spend(seconds)
        self.cost.skip()
        self.layers.spent += seconds

    def seconds_allowed(self) -> float:
        """Return the seconds that one sample may take by the budget."""
        return self.cost.budget.allowed()

    def _tell_overhead(self, detail: Record) -> None:
        left_out = {"trainings_left_out": self.trainings_left_out} if self.trainings_left_out else {}
        self.event("overhead", "", {**detail, "skipped": self.skipped, **left_out})

    def _learn_device(self, model: Model) -> None:
        self._device_known = True
        self.values = values_for(model.device)
        self.queue.device(model.device)


def _cadence(every: int, overhead: float) -> Record:
    return {"gradients_every": max(1, every // 2), "layers_every": every, "max_overhead": overhead}
