"""Changes of the learning rate's schedule: its length set where it is given, or a schedule put beside the optimizer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from trainadvisor.mending.fault_places import rates_by_hand
from trainadvisor.mending.names import optimizer_name
from trainadvisor.source import torch_names
from trainadvisor.source.edits import after, with_argument
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

Arguments = dict[str, Any]
# The argument of each schedule that holds its length in steps, and its place.
LENGTHS = {"CosineAnnealingLR": ("T_max", 1), "OneCycleLR": ("total_steps", 2), "PolynomialLR": ("total_iters", 1),
           "LinearLR": ("total_iters", 3)}  # fmt: skip
START = 0.001


def schedule(training: Training, arguments: Arguments) -> Fix | None:
    """Let the schedule that is stepped once a batch last for the whole run, or put a cosine beside the optimizer."""
    steps = arguments.get("steps")
    made = [call for name in torch_names.SCHEDULERS for call in training.script.calls_by_name.get(name, [])]
    if not isinstance(steps, (int, float)) or steps < 1 or arguments.get("name") == "one-cycle":
        return None
    if made:
        return _lasting(training, made[0], round(steps)) if len(made) == 1 else None
    return _added(training, "scheduler", f"CosineAnnealingLR({{optimizer}}, T_max={round(steps)})")


def _lasting(training: Training, made: ast.Call, steps: int) -> Fix | None:
    """Return the change of a schedule's length, where each step of the optimizer is followed by one of it."""
    stepped = [c for c in training.methods("step") if training.is_schedule(c.func.value)]  # type: ignore[attr-defined]
    inner = [c for c in training.steps if training.script.loops(c)]
    if called(made) not in LENGTHS or len(stepped) != 1 or len(inner) != 1:
        return None
    if training.script.loops(stepped[0]) != training.script.loops(inner[0]):
        return None
    name, place = LENGTHS[called(made)]
    span = with_argument(training.source, made, name, str(steps), place)
    return (span,) if span else None


def warmup(training: Training, arguments: Arguments) -> Fix | None:
    """Raise the learning rate over the first steps, in a script without a schedule."""
    steps = arguments.get("steps")
    if not isinstance(steps, (int, float)) or steps < 1:
        return None
    if any(name in training.script.calls_by_name for name in torch_names.SCHEDULERS):
        return None
    made = f"LinearLR({{optimizer}}, start_factor={START}, total_iters={round(steps)})"
    return _added(training, "warmup", made)


def _added(training: Training, name: str, made: str) -> Fix | None:
    """Return the lines that make a schedule behind the only optimizer and step it behind each of its steps."""
    if rates_by_hand(training):  # a schedule beside them would be multiplied with theirs
        return None
    optimizer = optimizer_name(training)
    inner = [c for c in training.steps if training.script.loops(c) and isinstance(training.script.parents[c], ast.Expr)]
    statements = [training.script.statement(call) for call in (*training.optimizers, *inner)]
    if optimizer is None or len(training.optimizers) != 1 or len(inner) != 1 or None in statements:
        return None
    maker, step = statements
    if maker is None or step is None or training.script.scope(maker) is not training.script.scope(step):
        return None
    if training.script.bindings(training.script.scope(step)).get(name):
        return None
    put = after(training.source, maker, f"{name} = torch.optim.lr_scheduler.{made.format(optimizer=optimizer)}")
    stepped = after(training.source, step, f"{name}.step()")
    return (*put, *stepped) if put and stepped else None
