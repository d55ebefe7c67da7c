"""What a session knows about the training, and what changes may ask of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.applying.late_torch import nn, torch

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder

Undo = Callable[[], None]


class SessionState(ABC):
    """The script's training as the changes see it."""

    def __init__(self, recorder: "Recorder | None", *, planned_steps: int | None = None) -> None:
        self.recorder = recorder
        self.optimizers: list[torch.optim.Optimizer] = []
        self.models: list[nn.Module] = []
        # The modules (ids) whose weights were loaded before the first step.
        self.loaded: set[int] = set()
        # Optimizer steps so far.
        self.steps = 0
        self.backwards = 0
        # The data set of the first loader that was iterated with gradients on.
        self.train_data: object = None
        # The number of steps that the run will take, if known.
        self.planned_steps = planned_steps
        # The moments whose call is running, and "unseen" during the advisor's own calls.
        self.running: set[str] = set()
        # Whether nothing of ours takes part in the training for a while.
        self.resting = False
        self._undo: list[Undo] = []
        self._undo_for_good: list[Undo] = []

    def undo_with(self, undo: Undo) -> None:
        """Register a call that undoes something at the end."""
        self._undo.append(undo)

    def undo_for_good(self, undo: Undo) -> None:
        """Register a call that undoes at the end what stays while the session rests."""
        self._undo_for_good.append(undo)

    @abstractmethod
    def rest(self) -> None:
        """Take the session's hooks from torch for a while; those of changes are gone for good."""

    @abstractmethod
    def wake(self) -> None:
        """Listen again after `rest`."""

    def report(self, word: str, detail: dict[str, Any]) -> None:
        """Write an event about a change."""
        if self.recorder is not None:
            self.recorder.event("change", word, detail)

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Hide the advisor's own calls from the recorder and from the changes."""
        self.running = {*self.running, "unseen"}
        try:
            with self.recorder.looking_away() if self.recorder is not None else nullcontext():
                yield
        finally:
            self.running = self.running - {"unseen"}

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hide the advisor's own calls, and preserve the random state of the script."""
        state = torch.get_rng_state()
        with self.unseen():
            try:
                yield
            finally:
                torch.set_rng_state(state)

    def cleared(self, optimizer: torch.optim.Optimizer) -> None:
        """Report the advisor's own zero_grad to the recorder, which would count it as the script's."""
        if self.recorder is not None:
            self.recorder.on("zero_grad", (optimizer,), {}, None)

    def holders(self, model: nn.Module) -> list[torch.optim.Optimizer]:
        """Return the optimizers that hold a parameter of the model."""
        own = {id(p) for p in model.parameters()}
        return [o for o in self.optimizers if any(id(p) in own for group in o.param_groups for p in group["params"])]
