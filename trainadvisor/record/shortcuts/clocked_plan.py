"""A plan in a step whose cost is measured: others are taken to cost the same."""

from typing import Any

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.record.shortcuts.parts import now
from trainadvisor.record.shortcuts.plan import Plan
from trainadvisor.record.shortcuts.plan_course import PlanCourse


def _clocked(name: str) -> Any:
    method = getattr(Plan, name)

    @veiled
    def clocked(self: Any, *args: Any) -> Any:
        begun = now()
        taken = method(self, *args)
        self.spent += now() - begun
        return taken

    return clocked


def _opening(name: str) -> Any:
    method = getattr(Plan, name)

    @veiled
    def clocked(self: Any, *args: Any) -> Any:
        begun, number = now(), self.number
        taken = method(self, *args)
        self.spent += now() - begun
        if self.number != number:
            self.end_clock()
        return taken

    return clocked


class ClockedPlan(Plan):
    """A plan in a step whose cost is measured."""

    forward_begins, batch_begins = _opening("forward_begins"), _opening("batch_begins")
    step_begins = _opening("step_begins")
    clip_grad_norm_, scheduler_step = _clocked("clip_grad_norm_"), _clocked("scheduler_step")
    batch_ends, forward_ends, loss = _clocked("batch_ends"), _clocked("forward_ends"), _clocked("loss")
    backward_begins, backward_ends = _clocked("backward_begins"), _clocked("backward_ends")
    step_ends, zero_grad = _clocked("step_ends"), _clocked("zero_grad")

    def end_clock(self) -> None:
        """Take what the step has cost; one that was held up counts three times the usual at most."""
        usual = self.own or self.spent
        self.own = 0.75 * usual + 0.25 * min(self.spent, 3 * usual)
        self.cost.budget.book_plain(self.seconds, self.own)
        self.book()


PlanCourse.usual, PlanCourse.clocked_kind = Plan, ClockedPlan
