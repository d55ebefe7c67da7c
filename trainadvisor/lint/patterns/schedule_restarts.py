"""A training that goes on from a checkpoint with the state of its optimizer, while the schedule starts over."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.training import SCHEDULE_NAME, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Schedules whose rate is a function of the count of their calls, which is what is lost.
COUNTED = frozenset({"LambdaLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR", "StepLR",
                     "MultiStepLR", "PolynomialLR", "LinearLR", "SequentialLR", "CyclicLR"})  # fmt: skip
WARM_UP = re.compile(r"^get_\w*schedule\w*$")
# What brings a schedule back to its place in another way.
PLACED = re.compile(r"last_epoch|last_step|_step_count|step_update|num_updates|fast_forward")
FIRST = re.compile(r"start|begin|resume|epoch|last|step|iter", re.IGNORECASE)
STATE = frozenset({"state_dict", "load_state_dict"})


@pattern("schedule", "loaded", words=(("LR(", "_schedule"), ("load_state_dict",), (".step()",)))
def resume_jump(training: Training) -> Iterator[Match]:
    """Yield where an optimizer gets its state back, a loop goes on from a later epoch, and the schedule begins anew."""
    made = [call for call in training.script.calls if called(call) in COUNTED or WARM_UP.search(called(call))]
    if not made or not _is_stepped(training) or _is_placed(training) or not _goes_on(training):
        return
    for call in training.methods("load_state_dict"):
        if training.is_optimizer(call.func.value) is not False and _is_saved(training):  # type: ignore[attr-defined]
            yield Match(call, {"schedule": called(made[0]), "loaded": words_of(call)}, made[0])


def _is_stepped(training: Training) -> bool:
    """Return whether a schedule is stepped by count alone: step(epoch) tells it its place."""
    steps = [call for call in training.methods("step") if _is_schedules(training, call.func.value)]  # type: ignore[attr-defined]
    return bool(steps) and not any(call.args or call.keywords for call in steps)


def _is_placed(training: Training) -> bool:
    """Return whether the place of a schedule is saved, given back or caught up with anywhere."""
    states = [call for name in STATE for call in training.methods(name)]
    if any(_is_schedules(training, call.func.value) for call in states):  # type: ignore[attr-defined]
        return True
    loops = training.script.of_type(ast.For)
    only = [n for n in loops if len(n.body) == 1 and SCHEDULE_NAME.search(words_of(n.body[0]))]
    return bool(only) or PLACED.search(training.source.text) is not None


def _is_schedules(training: Training, owner: ast.expr) -> bool:
    return training.is_schedule(owner) or SCHEDULE_NAME.search(words_of(owner)) is not None


def _goes_on(training: Training) -> bool:
    """Return whether a loop counts on from an epoch or step that has a name."""
    ranges = [n.iter for n in training.script.of_type(ast.For) if isinstance(n.iter, ast.Call)]
    firsts = [call.args[0] for call in ranges if called(call) in ("range", "trange") and len(call.args) > 1]
    return any(FIRST.search(words_of(first)) for first in firsts)


def _is_saved(training: Training) -> bool:
    """Return whether a checkpoint of this script holds the state of an optimizer."""
    states = training.methods("state_dict")
    return any(training.is_optimizer(call.func.value) is not False for call in states)  # type: ignore[attr-defined]
