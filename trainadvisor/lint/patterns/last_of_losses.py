"""Losses of the rounds of a loop, such as the steps of a sequence, of which backward() is called on the last alone."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import LossCall, Training

# What trains on a loss, or takes its gradient by hand.
TRAINS = frozenset({"backward", "grad", "step"})


@pattern("loss", words=(("backward(",), ("for ",)))
def backward_outside_loop(training: Training) -> Iterator[Match]:
    """Yield backward() on what is left of the losses that the rounds of a loop computed of different things."""
    for backward in training.backwards:
        owner = backward.func.value if isinstance(backward.func, ast.Attribute) else None
        for loss in training.losses if owner is not None else ():
            loop = next(iter(training.script.loops(loss.call)), None)
            if not isinstance(loop, ast.For) or loop in training.script.loops(backward) or not _goes_on(loop, loss):
                continue
            if _is_left_over(training, owner, loss, loop):  # type: ignore[arg-type]
                yield Match(backward, {"loss": ast.unparse(owner)}, loop)  # type: ignore[arg-type]
                break


def _goes_on(loop: ast.For, loss: LossCall) -> bool:
    """Return whether each round computes its loss of something of its own, and trains on nothing."""
    if any(isinstance(n, ast.Call) and called(n) in TRAINS for n in ast.walk(loop)):
        return False
    own = names_in(loop.target)
    for statement in loop.body:
        if isinstance(statement, ast.Assign) and names_in(statement.value) & own:
            own |= {name for target in statement.targets for name in names_in(target)}
    return bool(names_in(loss.call) & own)


def _is_left_over(training: Training, owner: ast.expr, loss: LossCall, loop: ast.For) -> bool:
    """Return whether a value is the loss of the last round: the name it had there, or the end of a list of them."""
    statement = training.script.statement(loss.call)
    if isinstance(statement, ast.Assign) and statement.value is loss.call:
        bindings = training.script.reaching(owner) if isinstance(owner, ast.Name) else []
        if [b.statement for b in bindings if b.line[0] >= loop.lineno] == [statement]:
            return True
    kept = _kept(loop, loss, statement)
    if isinstance(owner, ast.Subscript) and isinstance(owner.value, ast.Name):
        return owner.value.id == kept and constant(owner.slice) == -1
    bindings = training.script.reaching(owner) if isinstance(owner, ast.Name) else []
    last = bindings[-1].statement if bindings else None
    return isinstance(last, ast.For) and isinstance(last.iter, ast.Name) and last.iter.id == kept


def _kept(loop: ast.For, loss: LossCall, statement: ast.stmt | None) -> str:
    """Return the name of the list that each round puts its loss into, "" where there is none."""
    name = statement.targets[0] if isinstance(statement, ast.Assign) else None
    for node in ast.walk(loop):
        if (
            isinstance(node, ast.Call)
            and called(node) == "append"
            and isinstance(node.func, ast.Attribute)
            and node.args
        ):
            put = node.args[0]
            same = isinstance(name, ast.Name) and isinstance(put, ast.Name) and put.id == name.id
            if (put is loss.call or same) and isinstance(node.func.value, ast.Name):
                return node.func.value.id
    return ""
