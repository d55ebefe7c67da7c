"""The loss that reads the labels is bound, and before anything uses it the name is given another term."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import LossCall, Training

DEEPEST = 6


@pattern("term", "name", words=(("loss",), ("backward(", "training_step", "forward")))
def loss_term_left_out(training: Training) -> Iterator[Match]:
    """Yield where a name that holds the loss of the labels is given a term without them, unread until then."""
    for loss in training.losses:
        bound = training.script.statement(loss.call)
        labels = _labels(training, loss)
        if not isinstance(bound, ast.Assign) or not _holds(bound, loss.call) or not labels:
            continue
        name = bound.targets[0].id  # type: ignore[attr-defined]
        over = _overwritten(training, bound, name)
        if over is not None and _is_term(training, over, labels) and not _is_trained_before(training, bound, over):
            values = dict.fromkeys(("term", "name"), ast.unparse(bound.value))
            added = f"{name} + {training.source.segment(over.value)}"
            yield Match(over, values, bound, (replaced(training.source, over.value, added),))


def _holds(bound: ast.Assign, call: ast.Call) -> bool:
    """Return whether a statement binds one name to a loss, weighted at most."""
    value = bound.value
    while isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Mult, ast.Div)):
        value = value.left if call in ast.walk(value.left) else value.right
    return len(bound.targets) == 1 and isinstance(bound.targets[0], ast.Name) and value is call


def _labels(training: Training, loss: LossCall) -> set[str]:
    """Return the names in the target of a loss."""
    return names_in(loss.target) - set(training.script.imports) if loss.target is not None else set()


def _overwritten(training: Training, bound: ast.Assign, name: str) -> ast.Assign | None:
    """Return the next statement that gives a bound name a value, where nothing reads the name until then."""
    block = training.block(bound) or []
    for statement in block[block.index(bound) + 1 :] if bound in block else []:
        found = _first(statement, name)
        if found is not None:
            return found if isinstance(found, ast.Assign) else None
    return None


def _first(statement: ast.stmt, name: str) -> ast.AST | None:
    """Return the first use of a name in a statement: the binding that overwrites it, or any other node."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name) and target.id == name and name not in names_in(statement.value):
            return statement
    if isinstance(statement, ast.If) and name not in names_in(statement.test) and not statement.orelse:
        return next((found for inner in statement.body if (found := _first(inner, name)) is not None), None)
    return next((n for n in ast.walk(statement) if isinstance(n, ast.Name) and n.id == name), None)


def _is_term(training: Training, over: ast.Assign, labels: set[str]) -> bool:
    """Return whether a value is computed from what a net gives, and of no label."""
    read = set(_reached(training, over.value))
    calls = any(isinstance(n, ast.Call) for node in read for n in ast.walk(node))
    return calls and not any(names_in(node) & labels for node in read)


def _reached(training: Training, value: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
    """Yield an expression and what the names in it were bound to."""
    yield value
    for node in ast.walk(value) if depth < DEEPEST else ():
        held = training.values.single(node) if isinstance(node, ast.Name) else None
        if held is not None and held is not node:
            yield from _reached(training, held, depth + 1)


def _is_trained_before(training: Training, bound: ast.Assign, over: ast.Assign) -> bool:
    """Return whether a step or a call of backward() stands in between, or the value is that of no gradient."""
    between = [c for c in training.script.calls if bound.lineno < c.lineno < over.lineno]
    return any(called(c) in ("backward", "step") for c in between)
