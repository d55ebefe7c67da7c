"""Plain steps: events at which most probes have nothing to do any more, and which probes rest until when.

A probe that has seen enough says so by `rests_until`; the handlers that it marked with `unless_resting` are then left
out at the events of plain steps. What such a handler would have done there is nothing, so that records stay the same:
whatever may change that (any other event) has the probes asked again.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.record.context import Context, Resting
from trainadvisor.record.handlers import Handlers
from trainadvisor.record.step import Call

# Events of some trainings' every step: whether probes rest may change only with those that take them.
_ASIDE = frozenset({
    "clip_grad_norm_", "clip_grad_value_", "scheduler_step", "sequence_layer",
    "scale", "unscale", "scaler_step_begins", "scaler_step_ends", "scaler_update",
})  # fmt: skip
# Most steps after which a probe that does not rest is asked again: one, then twice as many each time.
_AGAIN = 16
# Probes for which shortcuts do what they do at plain events: that they do not rest makes no step another one.
_TAKEN_ALONG = frozenset({"BrokenPassesProbe", "SharedRowsProbe"})


@dataclass
class Routine:
    """What plain steps consist of."""

    # The step from which on they are asked for.
    step: int = 0
    # Models (numbers) that are called with gradients, with the number of arguments.
    models: dict[int, int] = field(default_factory=dict)
    # Kinds of the losses that are trained on.
    kinds: set[str] = field(default_factory=set)
    # Optimizers (numbers) that have stepped; others may be known that never do.
    stepped: set[int] = field(default_factory=set)


class PlainSteps:
    """Tells events of plain steps from others, and keeps account of who rests."""

    def __init__(self, context: Context, handlers: Handlers, probes: Iterable[object]) -> None:
        self._context, self._handlers = context, handlers
        self._resting = [probe for probe in probes if isinstance(probe, Resting)]
        self.routine = Routine()
        # The step at which probes are asked again, and whether something has happened after which they are.
        self.until, self.stale = 0.0, True
        # How often in a row each probe (its class by name) has said that it does not rest.
        self._awake: dict[str, int] = {}
        # Events since the probes were asked, after which only some are asked again.
        self.aside: set[str] = set()
        self._taking = {event: [probe for probe in self._resting if hasattr(probe, f"on_{event}")] for event in _ASIDE}
        self._rest, self._optimizers = frozenset[str](), 0
        # What tells an event of a plain step from others, None where it always is one.
        self._tests: dict[str, Callable[..., bool] | None] = {
            "forward_begins": self._is_forward, "forward_ends": self._is_forward, "loss": self._is_loss,
            "step_begins": self._is_step, "step_ends": self._is_step,
            **dict.fromkeys(("backward_begins", "backward_ends", "zero_grad", "close")),
            **dict.fromkeys(("batch_begins", "batch_ends")),
        }  # fmt: skip

    def covers(self, name: str, args: tuple[Any, ...]) -> bool:
        """Return whether probes that rest need not see an event."""
        test = self._tests.get(name, _never)
        if test is not None and not test(*args):
            if name in _ASIDE:
                self.aside.add(name)
            else:
                self.stale = True
            return False
        if self.aside:
            self.settle()
        if self.stale or self._context.step.number >= self.until:
            self._ask()
        return True

    def settle(self) -> None:
        """Look whether a probe does not rest any more after the events that only some take."""
        for event in self.aside:
            for probe in self._taking[event]:
                resting = self._rests_until(probe) > self.routine.step
                self.stale = self.stale or resting is not (type(probe).__name__ in self._rest)
        if self.aside:
            self.aside.clear()
            self.stale = self.stale or len(self._context.objects.optimizers) != self._optimizers

    def _rests_until(self, probe: Resting) -> float:
        until = self._context.guard("rests_until", probe.rests_until, self.routine)
        return -math.inf if until is None else float(until)

    def _ask(self) -> None:
        """Ask every probe from which step on it wants to see everything again."""
        context, routine = self._context, self.routine
        routine.step, routine.kinds = context.step.number, context.losses.train_kinds()
        self.until, self.stale = math.inf, False
        resting = set()
        for probe in self._resting:
            name, until = type(probe).__name__, self._rests_until(probe)
            if until > routine.step:
                resting.add(name)
                self._awake.pop(name, None)
            elif name not in _TAKEN_ALONG:
                self._awake[name] = times = self._awake.get(name, 0) + 1
                until = routine.step + min(_AGAIN, 2 ** (times - 1))
            else:
                continue
            self.until = min(self.until, until)
        self._rest, self._optimizers = frozenset(resting), len(context.objects.optimizers)
        self.aside.clear()
        self._handlers.rest(self._rest)

    def _is_forward(self, call: Call) -> bool:
        """Return whether a call is of a model that trains as it did before."""
        model = call.model
        if not (call.grad and call.training) or model.lazy or not model.alive or not model.enters_by(call.module):
            return False
        count, known = len(call.args) + len(call.kwargs), self.routine.models
        if known.get(model.number) == count:
            return True
        known[model.number] = count
        return False

    def _is_loss(self, kind: str, _: object, __: object, result: torch.Tensor) -> bool:
        return kind in self.routine.kinds and result.requires_grad and torch.is_grad_enabled()

    def _is_step(self, optimizer: torch.optim.Optimizer, closure: object = None) -> bool:
        known = self._context.objects.optimizers.get(id(optimizer))
        if known is None:
            return False
        if known["id"] in self.routine.stepped:
            return not closure
        self.routine.stepped.add(known["id"])
        return False


def _never(*_: object) -> bool:
    return False
