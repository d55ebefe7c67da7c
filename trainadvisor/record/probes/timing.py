"""Probe: seconds, waiting for data, memory, epochs and the loaders."""

import time
from typing import TYPE_CHECKING, Any

from torch.utils.data import DataLoader

from trainadvisor.record import environment, facts
from trainadvisor.record.iteration import Call, Iteration

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder

_MEMORY_EVERY = 10


class TimingProbe:
    """Times the steps and knows which loader feeds the training."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder
        self._asked = 0.0
        self._loader_of: dict[int, DataLoader[Any]] = {}
        self._last_loader: DataLoader[Any] | None = None
        self._passes: dict[int, int] = {}
        self._wait = 0.0
        self._saving = 0.0
        self._batch: Any = None

    @property
    def last_batch(self) -> Any:  # noqa: ANN401 - whatever the loader yields
        """Return what the loader yielded last."""
        return self._batch

    def on_loader_iter(self, args: tuple[Any, ...], _: object, iterator: object) -> None:
        """Count the passes over a loader."""
        loader = args[0]
        self._last_loader = loader
        number, _new = self._recorder.inventory.number("loader", loader), None
        self._loader_of[id(iterator)] = loader
        self._passes[number[0]] = self._passes.get(number[0], 0) + 1
        if len(self._loader_of) > 64:
            self._loader_of = {id(iterator): loader}

    def on_batch_begins(self, *_: object) -> None:
        """Start the clock of the wait."""
        self._asked = time.perf_counter()

    def on_batch_ends(self, args: tuple[Any, ...], _: object, batch: object) -> None:
        """Add the wait to the step that begins."""
        self._wait += time.perf_counter() - self._asked
        self._batch = batch
        self._last_loader = self._loader_of.get(id(args[0]), self._last_loader)

    def on_forward_begins(self, call: Call) -> None:
        """Learn which loader trains and which evaluates; drop an evaluation's wait."""
        if self._last_loader is not None:
            role = "train" if call.grad and call.training else ("eval" if not call.grad else "unknown")
            number = self._recorder.inventory.add_loader(self._last_loader, role)
            if call.grad:
                self._recorder.iteration.fields.setdefault("epoch", self._passes.get(number, 1) - 1)

    def on_forward_ends(self, call: Call) -> None:
        """Begin the step anew after a forward of an evaluation, which is not the step's time."""
        iteration = self._recorder.iteration
        if not call.grad and not iteration.models and not iteration.micro:
            iteration.begun, self._wait = time.perf_counter(), 0.0
        elif call.grad and "batch" not in iteration.fields:
            first = next(iter(facts.tensors_in([call.args, call.kwargs])), None)
            if first is not None and first.ndim > 0:
                iteration.fields["batch"] = first.shape[0]

    def on_save_begins(self, *_: object) -> None:
        """Start the clock of a checkpoint."""
        self._saving = time.perf_counter()

    def on_save_ends(self, *_: object) -> None:
        """Write how long the checkpoint took."""
        self._recorder.event("checkpoint", "", {"seconds": time.perf_counter() - self._saving})

    def on_close(self, iteration: Iteration) -> None:
        """Add wait and memory to the step."""
        if self._last_loader is not None:
            iteration.fields["wait"] = self._wait
        self._wait = 0.0
        if iteration.micro > 1 and "batch" in iteration.fields:
            iteration.fields["batch"] *= iteration.micro
        if iteration.step % _MEMORY_EVERY == 0:
            iteration.fields["memory"] = environment.memory_megabytes()
