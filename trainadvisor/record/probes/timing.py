"""Probe: seconds, waiting for data, memory, epochs and the loaders."""

import math
import weakref
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from torch import Size, Tensor

from trainadvisor import clocks
from trainadvisor.record import environment
from trainadvisor.record.context import Context, probe
from trainadvisor.record.objects import describe
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.step import Call, Step

if TYPE_CHECKING:
    from torch.utils.data import DataLoader


# Most dimensions of a batch of sequences.
_SEQUENCES = 3
# Memory is read every so many steps, up to a step.
_MEMORY_EVERY = ((10, 200), (50, 2000), (250, math.inf))


@probe(order=10)
class TimingProbe:
    """Times the steps and knows which loader feeds the training."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._asked = 0.0
        # The loader of each iterator.
        self._loader_of: WeakKeyDictionary[Any, weakref.ref[DataLoader[Any]]] = WeakKeyDictionary()
        # A loader that only its iterator outlives, as long as that does.
        self._kept: WeakKeyDictionary[Any, DataLoader[Any]] = WeakKeyDictionary()
        self._last_loader: weakref.ref[DataLoader[Any]] | None = None
        self._passes: dict[int, int] = {}
        # Of each loader the last pass that was trained on, and how many such passes came before it.
        self._epochs: dict[int, tuple[int, int]] = {}
        # As a framework counts them, where it tells.
        self._epoch: int | None = None
        # Whether a model (by number) takes time before examples.
        self._time_major: dict[int, bool] = {}
        # How many rows a model is called with for each example of a loader, as its first batch shows.
        self._rows_of_each: WeakKeyDictionary[DataLoader[Any], int] = WeakKeyDictionary()
        self._closure = False
        self._wait = 0.0
        self._saving = 0.0
        # Time and wait at the last backward, which an evaluation between two micro-batches goes back to.
        self._trained = (0.0, 0.0)

    def on_epoch_begins(self, number: int) -> None:
        """Take the epoch that a framework counts."""
        self._epoch = number

    def on_loader_iter(self, args: tuple[Any, ...], _: object, iterator: object) -> None:
        """Count the passes over a loader."""
        number = self._context.objects.loader_number(args[0])
        self._last_loader = self._loader_of[iterator] = weakref.ref(args[0])
        if not args[0].persistent_workers:  # which keep their iterator themselves
            self._kept[iterator] = args[0]
        self._passes[number] = self._passes.get(number, 0) + 1

    def on_batch_begins(self, *_: object) -> None:
        """Start the clock of the wait."""
        self._asked = clocks.perf_counter()

    def on_batch_ends(self, args: tuple[Any, ...], _: object, __: object) -> None:
        """Add the wait to the step that begins."""
        self._wait += clocks.perf_counter() - self._asked
        self._last_loader = self._loader_of.get(args[0], self._last_loader)

    def on_forward_begins(self, call: Call) -> None:
        """Learn which loader trains and which evaluates; drop an evaluation's wait."""
        self.note_epoch(grad=call.grad, training=call.training)

    def note_epoch(self, *, grad: bool, training: bool) -> None:
        """Note the epoch of a step, and what its loader is for, from a forward."""
        if grad and self._epoch is not None:
            self._context.step.fields.setdefault("epoch", self._epoch)
        loader = self._last_loader() if self._last_loader is not None else None
        if loader is not None:
            role = "train" if grad and training else ("eval" if not grad else "unknown")
            number = self._context.objects.add_loader(loader, role)
            if grad:
                self._context.step.fields.setdefault("epoch", self._epoch_of(number))

    def _epoch_of(self, number: int) -> int:
        """Return the epoch of a loader: the passes that were trained on before this one; a look at a batch is none."""
        current = self._passes.get(number, 1)
        last, before = self._epochs.get(number, (current, 0))
        if last != current:
            before += 1
        self._epochs[number] = current, before
        return before

    def on_forward_ends(self, call: Call) -> None:
        """Begin the step anew after a forward of an evaluation, which is not the step's time."""
        step = self._context.step
        if not call.grad and not step.models and not step.micro:
            step.begun, self._wait = clocks.perf_counter(), 0.0
        elif not call.grad and not call.training and step.micro:
            now = clocks.perf_counter()
            step.begun += now - self._trained[0]
            self._wait = self._trained[1]
            self._trained = now, self._wait
        elif call.grad:
            given = call.args[0] if call.args else None
            nested = describe.tensors_in([call.args, call.kwargs], depth=5)
            first = given if isinstance(given, Tensor) else next(iter(nested), None)
            if first is not None and first.ndim > 0:
                # the largest, because an agent also acts on single observations
                step.fields["batch"] = max(self.examples(first, call.model), step.fields.get("batch", 0))

    def examples(self, first: Tensor, model: Model) -> int:
        """Return the examples that a model is called with: a vector of numbers is one; time may come first."""
        if first.ndim == 1:
            return 1 if first.is_floating_point() else first.shape[0]
        return self.examples_of(first.shape, model)

    def examples_of(self, shape: Size, model: Model) -> int:
        """Return the examples of a batch of this shape, of two dimensions or more."""
        loader = self._last_loader() if self._last_loader is not None else None
        wanted = None if loader is None else describe.batch_size(loader)
        if len(shape) > _SEQUENCES or wanted == shape[0]:
            return self._whole(shape[0], loader, wanted)
        number = model.number
        if number not in self._time_major:
            self._time_major[number] = model.time_major
        return shape[1] if self._time_major[number] else self._whole(shape[0], loader, wanted)

    def _whole(self, rows: int, loader: "DataLoader[Any] | None", wanted: int | None) -> int:
        """Return how many examples rows are: of a preference or a contrast, each example has several."""
        if loader is None or wanted is None:
            return rows
        of_each = self._rows_of_each.setdefault(loader, rows // wanted if rows and rows % wanted == 0 else 1)
        return -(-rows // of_each)

    def on_backward_ends(self, *_: object) -> None:
        """Remember where the training stood."""
        self._trained = clocks.perf_counter(), self._wait

    def on_save_begins(self, *_: object) -> None:
        """Start the clock of a checkpoint."""
        self._saving = clocks.perf_counter()

    def on_save_ends(self, *_: object) -> None:
        """Write how long the checkpoint took."""
        self._context.event("checkpoint", "", {"seconds": clocks.perf_counter() - self._saving})

    def on_step_begins(self, _: object, closure: object) -> None:
        """Note a closure: its backwards see one batch again and again."""
        self._closure = bool(closure)

    def on_close(self, step: Step) -> None:
        """Add wait and memory to the step."""
        if self._last_loader is not None:
            step.fields["wait"] = self._wait
        self._wait = 0.0
        if step.micro > 1 and not self._closure and "batch" in step.fields:
            step.fields["batch"] *= step.micro
        read_memory(step.number, step.fields)


def read_memory(step: int, fields: dict[str, Any]) -> int:
    """Put the memory into the fields of a step at whose end it is due; return the next such step."""
    if memory_due_from(step) == step:
        fields["memory"] = environment.memory_megabytes()
        fields["memory_peak"] = environment.peak_megabytes()
    return memory_due_from(step + 1)


def memory_due_from(step: int) -> int:
    """Return the first step, from this one on, at whose end the memory is read."""
    every = next(every for every, until in _MEMORY_EVERY if step < until)
    return -(-step // every) * every
