"""A loop that computes gradients and never steps, or steps without ever computing one."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import after
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("optimizer", words=(("backward(",), ("zero_grad(",)))
def missing_optimizer_step(training: Training) -> Iterator[Match]:
    """Yield backward() in a loop of a script that makes and clears one optimizer and steps nothing."""
    if len(training.optimizers) != 1 or _steps_somehow(training):
        return
    statement = training.script.statement(training.optimizers[0])
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], (ast.Name, ast.Attribute)):
        return
    optimizer = ast.unparse(statement.targets[0])
    if _given_away(training, optimizer):
        return
    for backward in training.backwards:
        line = training.script.statement(backward)
        cleared = [c for c in training.methods("zero_grad") if ast.unparse(c.func).startswith(f"{optimizer}.")]
        if training.script.loops(backward) and cleared and line is not None:
            yield Match(
                backward, {"optimizer": optimizer}, cleared[0], after(training.source, line, f"{optimizer}.step()")
            )
            return


def _steps_somehow(training: Training) -> bool:
    """Return whether anything is stepped, or weights are changed by hand."""
    stepped = [c for c in training.methods("step") if not training.is_schedule(c.func.value)]  # type: ignore[attr-defined]
    words = ("sub_(", "add_(", ".data -=", ".grad", "Trainer", "accelerat", "fit(", "unroll", "scaler", "engine")
    return bool(stepped) or any(word in training.source.text for word in words)


def _given_away(training: Training, optimizer: str) -> bool:
    """Return whether an optimizer goes to a call that is not a method of its own, or out of its function."""
    for node in training.script.nodes:
        if isinstance(node, ast.Call) and not ("LR" in called(node) or "sched" in called(node).lower()):
            if any(ast.unparse(given) == optimizer for given in (*node.args, *(k.value for k in node.keywords))):
                return True
        elif isinstance(node, ast.Return) and node.value is not None and optimizer in ast.unparse(node.value):
            return True
    return False


@pattern("optimizer", words=((".step()",),))
def missing_backward(training: Training) -> Iterator[Match]:
    """Yield steps in a loop that computes a loss, in a script without any backward."""
    text = training.source.text
    if (
        any(word in text for word in ("backward", "autograd", ".grad", "closure", "Trainer", "fit("))
        or not training.losses
    ):
        return
    for step in training.steps:
        loops = training.script.loops(step)
        losses = [loss for loss in training.losses if loops and loops[0] in training.script.loops(loss.call)]
        if training.is_optimizer(step.func.value) is True and losses:  # type: ignore[attr-defined]
            line = training.script.statement(losses[0].call)
            named = isinstance(line, ast.Assign) and line.value is losses[0].call
            fix = (
                after(training.source, line, f"{ast.unparse(line.targets[0])}.backward()")
                if named and isinstance(line, ast.Assign)
                else None
            )
            yield Match(step, {"optimizer": ast.unparse(step.func).removesuffix(".step")}, losses[0].call, fix)
