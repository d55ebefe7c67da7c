"""The course of a training: what makes a step, with an optimizer, with closures, compiled, by hand, or with none."""

from typing import Any, Protocol

import torch

from trainadvisor import clocks
from trainadvisor.instrument import tracing
from trainadvisor.record.context import Context
from trainadvisor.record.implicit_steps import ImplicitSteps
from trainadvisor.record.objects import describe

# Backwards without any optimizer step after which each backward counts as a step.
_PATIENCE = 400
# The same for backwards whose gradients were cleared before any optimizer stepped, until one has and after that.
_CYCLES, _CYCLES_OF_STEPPERS = 16, 400


class Closing(Context, Protocol):
    """A recording whose current step can be closed."""

    def close_before(self, opener: str) -> None:
        """Close the current step when what begins belongs to the next one."""


class StepBoundaries:
    """Decides what is a step: with an optimizer, with closures, compiled, by hand, or with none of these."""

    def __init__(self, context: Closing) -> None:
        self._context = context
        self._implicit = ImplicitSteps(context)
        # Whether every backward is a step, because no optimizer makes any.
        self.free_running = False
        self.optimizer_seen = False
        self.in_step = False
        self._unstepped = 0
        self._lost_cycles = 0
        self._cycles = _CYCLES

    def on_made(self, thing: object, _: object) -> None:
        """Expect optimizer steps once there is an optimizer."""
        if self._context.discover and isinstance(thing, torch.optim.Optimizer):
            self.optimizer_seen = True
            self._context.objects.note_optimizer(thing)

    def on_step_begins(self, *_: object) -> None:
        """Note that what follows (a closure) belongs to one step."""
        self.optimizer_seen = self.in_step = True

    def on_backward_ends(self, *_: object) -> None:
        """Count the backward; without optimizer steps every backward becomes a step."""
        self._implicit.on_backward_ends()
        self._unstepped += 1
        waited = self._unstepped > _PATIENCE or self._lost_cycles >= self._cycles
        if waited and not self.free_running:
            self.describe_optimizers()
        if waited or not self.optimizer_seen:
            self.free_running = True

    def on_backward_fails(self) -> None:
        """Look for steps from here on: what the optimizer has changed before is no step of this backward."""
        self._implicit.on_backward_ends()

    def describe_optimizers(self) -> None:
        """Describe the optimizers that never step."""
        inventory = self._context.objects
        for optimizer in inventory.alive_optimizers():
            self._context.guard("optimizers", inventory.add_optimizer, optimizer)

    def on_grad(self, args: tuple[Any, ...], kwargs: dict[str, Any], transformed: object) -> None:
        """Take gradients that were asked for directly: where no optimizer is, those of parameters are a backward."""
        outputs = args[0] if args else kwargs.get("outputs")
        inputs = args[1] if len(args) > 1 else kwargs.get("inputs")
        loss = next(iter(describe.tensors_in(outputs)), None)
        known = self._context.objects.of_parameter
        if self.optimizer_seen or loss is None:
            return
        if transformed or any(id(tensor) in known for tensor in describe.tensors_in(inputs)):
            self._context.close_before("backward_begins")
            self.free_running = True
            self._context.publish("direct_backward", tracing.unwrapped(loss))

    def gradients_lost(self) -> None:
        """Take that gradients were cleared though no optimizer has stepped since their backward."""
        self._lost_cycles += 1

    def on_step_ends(self, optimizer: torch.optim.Optimizer) -> None:
        """Note that an optimizer has stepped."""
        self.in_step = False
        self._note_step(optimizer)

    def on_implicit_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Note a step that shows only in the parameters."""
        self._note_step(optimizer)

    def _note_step(self, optimizer: torch.optim.Optimizer) -> None:
        self.stepping()
        inventory, step = self._context.objects, self._context.step
        fact = inventory.optimizers.get(id(optimizer)) or inventory.add_optimizer(optimizer)
        if fact["id"] not in step.stepped:
            step.stepped.append(fact["id"])
        step.ended = clocks.perf_counter()

    def stepping(self) -> None:
        """Take that optimizers step (or would, had the gradient scaler not skipped it)."""
        self.optimizer_seen, self.free_running = True, False
        self._unstepped = self._lost_cycles = 0
        self._cycles = _CYCLES_OF_STEPPERS

    def may_close(self) -> bool:
        """Return whether a step without an optimizer's may end here: none makes any, or the parameters have changed."""
        return self.free_running or self._implicit.has_changed()

    def look_for_implicit_step(self) -> None:
        """Take a change of the parameters since the backward as a step, of their optimizer or by hand."""
        step = self._context.step
        if not step.micro or step.done or self.free_running or self.in_step:
            return
        optimizers = self._implicit.changed_by()
        if optimizers is None:
            return
        self.free_running = not optimizers
        for optimizer in optimizers:
            self._context.publish("implicit_step", optimizer)
