"""Plans in a step whose cost is measured: others are taken to cost the same."""

from typing import Any, TypeVar

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.record.shortcuts.parts import now
from trainadvisor.record.shortcuts.plan import Plan
from trainadvisor.record.shortcuts.plan_course import PlanCourse
from trainadvisor.record.shortcuts.skipping_plan import SkippingPlan, left_out

__all__ = ["Plan"]

Kind = TypeVar("Kind", bound=type[Plan])

# The events that may close the step before, and those within a step.
_OPENING = ("forward_begins", "batch_begins", "step_begins")
_WITHIN = (
    "clip_grad_norm_", "scheduler_step", "batch_ends", "forward_ends", "loss", "backward_begins", "backward_ends",
    "step_ends", "zero_grad",
)  # fmt: skip


def _clocked(method: Any) -> Any:
    @veiled
    def clocked(self: Any, *args: Any) -> Any:
        begun = now()
        taken = method(self, *args)
        self.spent += now() - begun
        return taken

    return clocked


def _opening(method: Any, kind: type[Plan]) -> Any:
    @veiled
    def clocked(self: Any, *args: Any) -> Any:
        begun, number = now(), self.number
        spent = self.spent
        taken = method(self, *args)
        if self.number != number:
            _end_clock(self, kind, spent + now() - begun)
        else:
            self.spent += now() - begun
        return taken

    return clocked


def _end_clock(plan: Plan, kind: type[Plan], spent: float) -> None:
    """Take what the step has cost; one that was held up counts three times the usual at most."""
    usual = plan.own[kind.left_out] or spent
    plan.own[kind.left_out] = own = 0.75 * usual + 0.25 * min(spent, 3 * usual)
    if not kind.left_out:
        plan.cost.budget.book_plain(plan.seconds, own)
        plan.wanted = left_out(plan)
    plan.book()


def _with_clock(kind: Kind) -> Kind:
    """Measure every event that a kind of plan takes."""
    for name in _OPENING:
        setattr(kind, name, _opening(getattr(kind, name), kind))
    for name in _WITHIN:
        setattr(kind, name, _clocked(getattr(kind, name)))
    return kind


@_with_clock
class ClockedPlan(Plan):
    """A plan in a step that is recorded, and whose cost is measured."""


@_with_clock
class ClockedSkippingPlan(SkippingPlan):
    """A plan in a step that is left out, and whose cost is measured."""


PlanCourse.kinds = ((Plan, ClockedPlan), (SkippingPlan, ClockedSkippingPlan))
