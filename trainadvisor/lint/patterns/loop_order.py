"""Calls that stand in the wrong loop or in the wrong order of one: schedules, accumulations, sums."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import moved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Loop, Training


@pattern("schedule", "step", words=(("sched", "LR("), (".step(",)))
def schedule_before_step(training: Training) -> Iterator[Match]:
    """Yield steps of a schedule that stand before the step of the optimizer in one block."""
    for call in training.methods("step"):
        statement = training.script.statement(call)
        block = training.block(statement)
        if statement is None or block is None or call.args or not training.is_schedule(call.func.value):  # type: ignore[attr-defined]
            continue
        before, behind = block[: block.index(statement)], block[block.index(statement) + 1 :]
        steps = [s for s in behind if isinstance(s, ast.Expr) and s.value in training.steps]
        if training.script.loops(call) and steps and not any(_steps(training, s) for s in before):
            fix = (
                moved(training.source, steps[-1], block, statement)
                if block.index(steps[-1]) - block.index(statement) == 1
                else None
            )
            yield Match(call, {"schedule": ast.unparse(call.func), "step": ast.unparse(steps[-1])}, steps[-1], fix)


def _steps(training: Training, statement: ast.stmt) -> bool:
    return any(node in training.steps for node in ast.walk(statement))


@pattern("optimizer", words=(("zero_grad(",), ("%",), ("backward(",)))
def accumulation_cleared(training: Training) -> Iterator[Match]:
    """Yield zero_grad() in every round of a loop whose step comes in every n-th only."""
    for clear in training.methods("zero_grad"):
        loop = next(iter(training.script.loops(clear)), None)
        statement = training.script.statement(clear)
        if loop is None or statement not in loop.body or not isinstance(clear.func, ast.Attribute):
            continue
        owner = ast.unparse(clear.func.value)
        steps = [
            s for s in training.steps if loop in training.script.loops(s) and ast.unparse(s.func) == f"{owner}.step"
        ]
        backwards = [b for b in training.backwards if training.script.statement(b) in loop.body]
        guards = [_guard(training, step, loop) for step in steps]
        if steps and backwards and all(guard is not None and _only_steps(training, guard) for guard in guards):
            yield Match(clear, {"optimizer": owner}, steps[0])


def _guard(training: Training, node: ast.AST, loop: Loop) -> ast.If | None:
    """Return the condition in a loop under which a node is reached."""
    for parent in training.script.ancestors(node):
        if parent is loop:
            return None
        if isinstance(parent, ast.If):
            return parent
    return None


def _only_steps(training: Training, guard: ast.If) -> bool:
    """Return whether a condition asks for every n-th round, and no gradients are made under it, as of a generator."""
    inside = {n for statement in guard.body for n in ast.walk(statement)}
    return _by_number(guard) and not any(backward in inside for backward in training.backwards)


def _by_number(guard: ast.If) -> bool:
    return any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) for node in ast.walk(guard.test))


@pattern("loss", words=(("backward(",), ("+=",)))
def loss_never_reset(training: Training) -> Iterator[Match]:
    """Yield losses that a loop adds to and differentiates in each round, and sets back in none."""
    for backward in training.backwards:
        owner = backward.func.value if isinstance(backward.func, ast.Attribute) else None
        loop = next(iter(training.script.loops(backward)), None)
        if not isinstance(owner, ast.Name) or loop is None or training.script.statement(backward) not in loop.body:
            continue
        stores = [
            n for n in ast.walk(loop) if isinstance(n, ast.Name) and n.id == owner.id and isinstance(n.ctx, ast.Store)
        ]
        added = [training.script.parents.get(n) for n in stores]
        plain = all(isinstance(s, ast.AugAssign) and s in loop.body and isinstance(s.op, ast.Add) for s in added)
        if added and plain and not backward.keywords:
            yield Match(backward, {"loss": owner.id}, added[0])
