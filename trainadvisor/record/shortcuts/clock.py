"""The clock: stands before who takes the events of a step, and measures what these cost; others cost the same.

The training feels about twice as much (benchmarks/RESULTS.md): the way of torch's calls to here and back is not seen
from here, and afterwards its own code and numbers are in the caches no more.
"""

from typing import Any

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.record.shortcuts.left_out_count import left_out
from trainadvisor.record.shortcuts.parts import now

# Times what the clock sees.
_FELT = 2.0

# The events that may close the step before, and those within a step.
_OPENING = ("forward_begins", "batch_begins", "step_begins")
_WITHIN = (
    "clip_grad_norm_", "scheduler_step", "batch_ends", "forward_ends", "loss_begins", "told_loss_begins", "loss",
    "backward_begins", "backward_ends", "step_ends", "zero_grad",
)  # fmt: skip


class Clock:
    """Hands every event on to who takes it, a plan or the steps that are left out, until the step is closed."""

    __slots__ = ("kind", "plan", "spent", "taker")

    # A plan, whose slots are known from inside; the kind is 1 of steps that are left out.
    def __init__(self, plan: Any, taker: Any, kind: int) -> None:
        self.plan, self.taker, self.kind, self.spent = plan, taker, kind, 0.0

    def begin(self) -> "Clock":
        """Measure the step that begins; return the clock."""
        self.spent = 0.0
        return self

    def end(self, spent: float) -> None:
        """Take what the step has cost; one that was held up counts three times the usual at most."""
        plan, kind, spent = self.plan, self.kind, _FELT * spent
        usual = plan.own[kind] or spent
        plan.own[kind] = own = 0.75 * usual + 0.25 * min(spent, 3 * usual)
        if not kind:
            plan.cost.budget.book_plain(plan.seconds, own)
            plan.wanted = left_out(plan)
        plan.book()
        if slot.plan is self:
            slot.plan = self.taker

    @property
    def key(self) -> int:
        """Return which optimizer steps (its id)."""
        return int(self.taker.key)

    @property
    def module(self) -> Any:
        """Return a reference to the model that trains."""
        return self.taker.module

    def leave(self) -> None:
        """Leave the plan."""
        self.plan.leave()

    def failed(self, error: Exception) -> bool:
        """Take no shortcut any more after a mistake of ours."""
        return bool(self.taker.failed(error))

    def loss_failed(self) -> None:
        """Take that the loss function has raised."""
        self.taker.loss_failed()


def _within(name: str) -> Any:
    @veiled
    def clocked(self: Clock, *args: Any) -> Any:
        begun = now()
        taken = getattr(self.taker, name)(*args)
        self.spent += now() - begun
        return taken

    return clocked


def _opening(name: str) -> Any:
    @veiled
    def clocked(self: Clock, *args: Any) -> Any:
        begun, taker = now(), self.taker
        number, spent = taker.number, self.spent
        taken = getattr(taker, name)(*args)
        if taker.number != number:
            self.end(spent + now() - begun)
        else:
            self.spent += now() - begun
        return taken

    return clocked


for _name in _OPENING:
    setattr(Clock, _name, _opening(_name))
for _name in _WITHIN:
    setattr(Clock, _name, _within(_name))
