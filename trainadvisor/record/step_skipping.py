"""Skips routine steps when the overhead budget is too small to record every step."""

import math
import time
import weakref
from collections import Counter
from typing import Protocol

import torch
from torch import nn

from trainadvisor.record.context import Context, Routine
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.overhead import Overhead
from trainadvisor.record.sampling import DEFAULT_SHARE
from trainadvisor.record.step import Step

# No step is left out before: short runs are recorded whole.
FIRST_STEP, FIRST_SECONDS = 1000, 5.0
# Steps in a row that may be left out.
MOST = 7
# Attempts that something unusual may cut short before there is no further one.
_PATIENCE = 5
# What happens in every step of a plain training; anything else ends the doze.
_CALM = frozenset(
    {"loss", "backward_begins", "backward_ends", "zero_grad", "step_begins", "batch_begins", "batch_ends", "eval_mode"}
)
# Fields of steps that are not as plain.
_UNUSUAL = frozenset({"clip_norm", "clip_max", "clip_value", "scale", "skipped", "no_grad", "stale"})


class Skippable(Context, Protocol):
    """A recording that may leave steps out."""

    cost: Overhead

    @property
    def sampling(self) -> bool:
        """Whether gradients or layers of the current step are sampled."""

    def close_step(self) -> None:
        """Write the current step, if there was one, and begin the next."""

    def concerns(self, name: str, args: tuple[object, ...]) -> bool:
        """Return whether an event is of a watched model."""

    def skip_to(self, step: Step, number: int) -> None:
        """Go on with a step of that number."""


class StepSkipping:
    """Leaves out some steps of a plain training and counts them; records again at whatever it does not know."""

    def __init__(self, recorder: Skippable) -> None:
        self._recorder = recorder
        self.asleep = False
        self.slept = 0
        self._wanted = self._disturbed = 0
        self._optimizer: weakref.ref[torch.optim.Optimizer] | None = None
        self._ready = False
        self._seen: Counter[str] = Counter()

    def rests_until(self, routine: Routine) -> float:
        """Rest while no step is to be left out."""
        return routine.step if self._ready else math.inf

    def consider(self, elapsed: float) -> None:
        """Be ready to fall asleep once a run is long enough, unless that has been disturbed too often.

        Only a budget below the default asks for that: by default every step is in the log.
        """
        asked = self._recorder.cost.budget.share < DEFAULT_SHARE
        enough = self._recorder.step_number > FIRST_STEP and elapsed >= FIRST_SECONDS
        self._ready = asked and enough and self._disturbed < _PATIENCE

    @unless_resting
    def on_step_ends(self, optimizer: torch.optim.Optimizer) -> None:
        """Fall asleep after a plain step."""
        recorder = self._recorder
        budget = recorder.cost.budget
        if not self._ready or budget.scalars <= budget.share or not self._is_plain(recorder.step):
            return
        recorder.close_step()
        if recorder.sampling:
            return
        self._optimizer = weakref.ref(optimizer)
        self._wanted = min(MOST, math.ceil(budget.scalars / budget.share) - 1)
        self.asleep, self.slept = True, 0

    def _is_plain(self, closed: Step) -> bool:
        """Return whether a step was one backward and one step of the only optimizer and process, not sampled."""
        recorder = self._recorder
        alone = recorder.processes == 1 and len(recorder.objects.optimizers) == 1
        once = closed.micro == 1 and len(closed.stepped) == 1 and len(closed.models) == 1 and "loss_id" in closed.fields
        return alone and once and not closed.samples and not closed.skipped and _UNUSUAL.isdisjoint(closed.fields)

    def passes(self, name: str, args: tuple[object, ...]) -> bool:
        """Return whether an event can be ignored; count the steps, and wake up after the last or at a surprise."""
        if name in _CALM:
            if name == "zero_grad" and (self._recorder.discover or self._recorder.concerns(name, args)):
                self._seen["zero_grad"] += 1
            return True
        if name == "step_ends":
            if self._optimizer is not None and args[0] is self._optimizer():
                self.slept += 1
                if self.slept >= self._wanted:
                    self.wake(disturbed=False)
            return True
        self.wake(disturbed=True)
        return False

    def lets_pass(self, module: nn.Module) -> bool:
        """Return whether a forward is one of the training's; another one, as an evaluation's, wakes up."""
        if module.training and torch.is_grad_enabled():
            self._seen["forward"] += 1
            self._seen["train_forward"] += 1
            return True
        self.wake(disturbed=False)
        return False

    def wake(self, *, disturbed: bool) -> None:
        """Go on recording; what has passed is counted."""
        if not self.asleep:
            return
        recorder, slept = self._recorder, self.slept
        self.asleep = False
        self._disturbed = self._disturbed + 1 if disturbed and not slept else 0
        recorder.counts.update(self._seen + Counter(step=slept, backward=slept))
        self._seen.clear()
        sampled = recorder.step.sample_gradients, recorder.step.sample_layers
        number = recorder.step_number + slept
        recorder.skip_to(Step(number, time.perf_counter(), *sampled), number)
        recorder.cost.skip()
