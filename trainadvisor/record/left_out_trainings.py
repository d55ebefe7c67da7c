"""Leaves whole trainings out where a script makes hundreds of short ones, once they cost more than their share.

The first of them have shown what they are; of the others every few are recorded, ever fewer, up to the last.
"""

import math
import weakref
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from trainadvisor import clocks
from trainadvisor.instrument import module_tables
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.record.context import Context
from trainadvisor.record.overhead import Overhead
from trainadvisor.record.step import Step

# Trainings that are recorded whatever they cost.
FIRST = 50
# Seconds that they may take beyond the budget's share of the time.
BURST_SECONDS = 0.5
# Most steps of a short training, in the mean of those before and of one that is left out.
MOST_STEPS = 100
# Whatever it costs, one is recorded each time that their number has grown so much.
_GROWTH = 1.2
# What is heard of a training that is left out: it may concern what comes after it.
_HEARD = frozenset({"made", "load_state_dict", "file_loaded", "manual_seed", "training_left_out"})
_COUNTED = {"backward_ends": "backward", "zero_grad": "zero_grad"}
# Modules that are gone are looked for once so many are known.
_MANY = 64


class Recorder(Context, Protocol):
    """A recording that may leave trainings out."""

    cost: Overhead
    # Trainings that were left out.
    trainings_left_out: int

    def on(self, name: str, *args: object) -> None:
        """Take an event."""

    def skip_to(self, step: Step, number: int) -> None:
        """Go on with a step of that number."""


@dataclass
class _Training:
    """A root module whose training is left out, and its steps so far."""

    module: weakref.ref[nn.Module]
    steps: int = 0


class LeftOutTrainings:
    """Knows the trainings that are left out, and whether one of them runs now."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        # Whether one runs: what is told then is of no concern.
        self.running = False
        self._known: dict[int, _Training] = {}
        self._current: _Training | None = None
        # Whether a step of it has begun.
        self._within = False
        # Steps since it began to run, with those of others that followed at once.
        self.steps = 0
        self._seen: Counter[str] = Counter()
        self._next = math.ceil(_GROWTH * FIRST)

    def covers(self, module: nn.Module) -> bool:
        """Return whether an outermost call of a module that is not known is of a training that is left out."""
        if self._recorder.objects.models_so_far < FIRST:
            return False
        training = self._known.get(id(module))
        if training is not None and training.module() is not module:
            training = None  # another module was there before
        learns = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        if training is not None:
            if not learns:
                return True
            if training.steps > MOST_STEPS:
                self._take_up(module)
                return False
        elif not (learns and self._leaves_out(module)):
            if learns and not self._recorder.objects.is_plain(module):
                self.wake()
            return False
        self._run(module, training)
        return True

    def lets_pass(self, parameters: list[torch.Tensor]) -> bool:
        """Return whether the call of a known model helps the training that is left out, instead of being trained."""
        if torch.is_grad_enabled() and _learns(parameters):
            self.wake()
            return False
        return True

    def passes(self, name: str, args: tuple[Any, ...]) -> bool:
        """Return whether an event can be ignored; count the steps, and wake up when a known optimizer steps."""
        if name in _HEARD:
            return False
        if name == "step_begins" and id(args[0]) in self._recorder.objects.optimizers:
            self.wake()
            return False
        if name == "step_ends":
            self._within = False
            self.steps += 1
            if self._current is not None:
                self._current.steps += 1
        elif name in _COUNTED:
            self._seen[_COUNTED[name]] += 1
        return True

    def wake(self) -> None:
        """Go on recording; what has passed is counted."""
        if not self.running:
            return
        recorder, steps = self._recorder, self.steps
        self.running, self._current, self.steps = False, None, 0
        recorder.counts.update(self._seen + Counter(step=steps))
        self._seen.clear()
        number, step = recorder.step_number + steps, recorder.step
        recorder.skip_to(Step(number, clocks.perf_counter(), step.sample_gradients, step.sample_layers), number)
        recorder.cost.skip()

    def _run(self, module: nn.Module, training: _Training | None) -> None:
        """Note that a module that is left out is called to be trained."""
        if not self.running:
            self._recorder.on("training_left_out")  # closes the step before
            self.running = True
        if training is None:
            if not self._within:
                self._recorder.trainings_left_out += 1
            training = self._known[id(module)] = _Training(weakref.ref(module))
            if len(self._known) > _MANY:
                self._known = {key: kept for key, kept in self._known.items() if kept.module() is not None}
        slot.now = None
        self._current, self._within = training, True
        self._seen.update(("forward", "train_forward"))

    def _leaves_out(self, module: nn.Module) -> bool:
        """Return whether the training that a module begins is left out, or goes on inside of one that is."""
        recorder = self._recorder
        if recorder.processes > 1 or recorder.objects.is_plain(module):
            return False
        if self.running and self._within:
            return True
        step, cost = recorder.step, recorder.cost
        between = self.running or step.done or not (step.micro or any(_learns(m.parameters) for m in step.models))
        trainings = recorder.objects.models_so_far + recorder.trainings_left_out
        short = recorder.step_number + self.steps <= MOST_STEPS * trainings
        if not between or not short or not self._is_fresh(module):
            return False
        if trainings >= self._next:
            self._next = math.ceil(_GROWTH * self._next)
            return False
        elapsed = clocks.perf_counter() - cost.started
        return cost.spent > BURST_SECONDS + cost.budget.share * elapsed

    def _is_fresh(self, module: nn.Module) -> bool:
        """Return whether an optimizer that has not stepped yet holds the parameters: a training of its own begins."""
        objects = self._recorder.objects
        first = next(module_tables.parameters(module), None)
        waiting = (o for o in objects.alive_optimizers() if id(o) not in objects.optimizers)
        return any(p is first for optimizer in waiting for group in optimizer.param_groups for p in group["params"])

    def _take_up(self, module: nn.Module) -> None:
        """Record a training from here on that goes on for longer than those before."""
        del self._known[id(module)]
        self._recorder.trainings_left_out -= 1
        self.wake()
        self._recorder.objects.take_as_trained(module_tables.parameters(module))


def _learns(parameters: list[torch.Tensor]) -> bool:
    return any(p.requires_grad for p in parameters)
