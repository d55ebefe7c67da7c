"""Probe: dropout that a model's own code applies in eval mode, and whether the same batch is passed several times."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.instrument import call_sites
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.evaluations.evaluation_source import first_input
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.objects.known_tensor import Memory, lies_in_memory, memory
from trainadvisor.record.step import Call

# Passes after which the counts are told.
_TOLD = frozenset(2**power for power in range(40))


@dataclass(frozen=True)
class _Stretch:
    """Where the numbers of a tensor lie, while anything holds their memory."""

    memory: Memory
    address: int
    shape: tuple[int, ...]

    @classmethod
    def of(cls, tensor: torch.Tensor) -> "_Stretch":
        """Return the stretch of a tensor."""
        return cls(memory(tensor), tensor.data_ptr(), tuple(tensor.shape))

    def is_same(self, other: "_Stretch | None") -> bool:
        """Return whether another one is the same."""
        if other is None or (self.address, self.shape) != (other.address, other.shape):
            return False
        held = self.memory()
        return held is not None and other.memory() is held


@probe()
class EvalDropoutProbe:
    """Writes events "eval-dropout": how many passes of the trained model in eval mode dropped, and how many repeat."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._passes = self._dropped = self._repeated = 0
        self._name = ""
        self._place: call_sites.Place | None = None
        self._dropping = False
        # The input of the pass before, since the model was last trained or put into eval mode.
        self._before: _Stretch | None = None
        # A pass with gradients: of the training if a backward follows.
        self._open: tuple[bool, bool] | None = None

    def rests_until(self, routine: Routine) -> float:
        """Rest in a training without passes in eval mode."""
        used = self._dropping or self._open is not None or self._before is not None
        return routine.step if used else math.inf

    def on_eval_mode(self, *_: object) -> None:
        """Take that another evaluation begins."""
        self._before = None

    def on_eval_dropout(self, name: str, place: call_sites.Place | None) -> None:
        """Take a dropout inside the pass that runs."""
        self._dropping = True
        if self._place is None:
            self._name, self._place = name, place

    @unless_resting
    def on_forward_begins(self, _: Call) -> None:
        """Count the pass before, which nothing was trained on."""
        self._settle()
        self._dropping = False

    @unless_resting
    def on_forward_ends(self, call: Call) -> None:
        """Take a pass of the model in eval mode."""
        if call.training or not call.model.trained:
            return
        given = first_input(call)
        looked = None if given is None or not lies_in_memory(given) else _Stretch.of(given)
        self._open = self._dropping, looked is not None and looked.is_same(self._before)
        self._before = looked
        if not call.grad:
            self._settle()

    @unless_resting
    def on_backward_begins(self, *_: object) -> None:
        """Forget a pass that is trained on."""
        self._open = self._before = None

    def on_stop(self, _: str) -> None:
        """Tell the final counts."""
        self._settle()
        if self._dropped:
            self._tell()

    def _settle(self) -> None:
        taken, self._open = self._open, None
        if taken is None:
            return
        self._passes += 1
        self._dropped += taken[0]
        self._repeated += taken[0] and taken[1]
        if taken[0] and self._dropped in _TOLD:
            self._tell()

    def _tell(self) -> None:
        detail: dict[str, Any] = {"class": self._name.removeprefix("F."), "site": call_sites.describe(self._place),
                                  "passes": self._passes, "dropped": self._dropped,
                                  "repeated": self._repeated}  # fmt: skip
        self._context.event("eval-dropout", self._name, detail)
