"""What a probe sees of the recording: the current step, the known objects, and the services that all probes share."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable

from trainadvisor.instrument.guard import Guard
from trainadvisor.log.records import Record
from trainadvisor.record.call_counts import CallCounts
from trainadvisor.record.device_readback import Reading, Values
from trainadvisor.record.loss_scale import LossScale
from trainadvisor.record.losses.loss_registry import LossRegistry
from trainadvisor.record.objects.registry import ObjectRegistry
from trainadvisor.record.step import Arrived, Call, Step

ProbeClass = TypeVar("ProbeClass", bound=type)
_LAST = 1000


class Boundaries(Protocol):
    """What makes a step of this training."""

    # Every backward is a step, because no optimizer makes any.
    free_running: bool
    optimizer_seen: bool
    # An optimizer is stepping now; what a closure calls belongs to its step.
    in_step: bool

    def stepping(self) -> None:
        """Note that optimizers step (or would, had the gradient scaler not skipped it)."""

    def gradients_lost(self) -> None:
        """Note that gradients were cleared though no optimizer has stepped since their backward."""


class Context(Protocol):
    """The recording as a probe may use it.

    A probe is made with it and takes events by methods named `on_<event>`; several probes talk to each other by events
    (`publish`) and by the services, never directly.
    """

    # Whether unknown models are recorded (`run`), else only those given (`watch`).
    discover: bool
    # Steps closed so far, which is the number of the current one.
    step_number: int
    step: Step
    last_epoch: int | None
    # How many processes train together.
    processes: int
    objects: ObjectRegistry
    losses: LossRegistry
    counts: CallCounts
    scale: LossScale
    values: Values
    guard: Guard

    @property
    def boundaries(self) -> Boundaries:
        """What makes a step of this training."""

    def steps_done(self) -> int:
        """Return how many steps have been taken, the open one included once its optimizer has stepped."""

    def event(self, kind: str, subject: str, detail: Record, pending: Iterable[tuple[Reading, Arrived]] = ()) -> None:
        """Write an event at the current step; it leaves when its readings are here."""

    def announce(self, kind: str, fact: Record, more: Callable[[], Record] = dict) -> None:
        """Tell a fact: in the header while that waits, else as an event; `more` is asked again when that leaves."""

    def write(self, record: Record, pending: list[tuple[Reading, Arrived]]) -> None:
        """Queue a record; it leaves, in order, when its readings are here."""

    def drain(self, *, wait: bool = False) -> None:
        """Send the queued records whose readings are here; with `wait`, all."""

    def note_seed(self, seed: int | None) -> None:
        """Keep the first seed that the script sets."""

    def publish(self, event: str, *args: object) -> None:
        """Hand an event to every probe that takes it."""

    def look_closer(self) -> None:
        """Sample the gradients of this step and the layers of the next, whatever the cadence; a few times in a run."""

    def spend(self, seconds: float) -> None:
        """Count time that was spent for the recording outside of its events."""

    def seconds_allowed(self) -> float:
        """Return the seconds that one sample may take by the budget."""


@runtime_checkable
class ForwardObserver(Protocol):
    """A probe that looks into a model's forward while it runs."""

    def observer(self, call: Call) -> AbstractContextManager[None] | None:
        """Return the context to run a call in, or None when it is not observed."""


class Routine(Protocol):
    """What plain steps consist of: one forward, loss, backward and step after the other, of what is known."""

    # The step from which on they are asked for.
    step: int
    # Models (numbers) that are called with gradients, with the number of arguments.
    models: dict[int, int]
    # Kinds of the losses that are trained on.
    kinds: set[str]
    # Optimizers (numbers) that have stepped.
    stepped: set[int]


@runtime_checkable
class Resting(Protocol):
    """A probe with handlers that have nothing to do at most events of plain steps (`unless_resting`)."""

    def rests_until(self, routine: Routine) -> float:
        """Return the step at which it has to see everything again; that of now where it cannot rest."""


def probe(order: int = _LAST, *, several_processes: bool = False) -> Callable[[ProbeClass], ProbeClass]:
    """Mark a class in a module of `record/probes/` as a probe; those of a lower `order` take an event first.

    With `several_processes` it is made only where more than one process trains.
    """

    def mark(marked: ProbeClass) -> ProbeClass:
        marked.probe_order = order  # type: ignore[attr-defined]
        marked.for_several_processes = several_processes  # type: ignore[attr-defined]
        return marked

    return mark


def is_probe(thing: Any, module: str) -> bool:
    """Return whether a value found in a module is a probe that was defined there."""
    return isinstance(thing, type) and hasattr(thing, "probe_order") and thing.__module__ == module
