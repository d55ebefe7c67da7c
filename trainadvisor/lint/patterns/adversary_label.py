"""A generator that is trained to be recognized: its loss has the labels with which its adversary learns the fakes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASKED, minimized
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import LossCall, Training

BINARY = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss"})
CUTS = ("detach", "data")
FILLED = frozenset({"full", "full_like"})
CONSTANT = {"zeros": 0.0, "zeros_like": 0.0, "new_zeros": 0.0, "ones": 1.0, "ones_like": 1.0, "new_ones": 1.0}


@pattern("term", "score", words=(("detach()", ".data"), ("BCE", "binary_cross_entropy", "MSE", "mse_loss"), ASKED))
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield losses of fakes whose labels are those of the loss on the same fakes, detached, that stands before it."""
    binary = [loss for loss in training.losses if loss.name in BINARY and loss.target is not None]
    signs = {part.node: part.sign for part in minimized(training)} if binary else {}
    for loss in binary:
        judged = _judged(training, loss)
        # With a minus in front the labels of the adversary are right: the game as it was first written.
        if judged is None or _is_cut(judged.args[0]) or signs.get(loss.call, -1) < 0:
            continue
        for other in binary:
            against = _judged(training, other)
            if against is None or training.script.scope(other.call) is not training.script.scope(loss.call):
                continue
            if _is_cut(against.args[0]) and _same_fakes(judged, against) and _same_label(training, loss, other):
                values = {"term": ast.unparse(loss.call), "score": ast.unparse(judged)}
                yield Match(loss.call, values, other.call)
                break


def _judged(training: Training, loss: LossCall) -> ast.Call | None:
    """Return the call of a net with one argument whose result a loss is computed of."""
    given: ast.expr | None = loss.input
    while isinstance(given, (ast.Name, ast.Subscript)) or _is_reshaped(given):
        if isinstance(given, ast.Name):
            held = training.values.single(given)
            given = held if held is not given else None
        else:
            given = given.value if isinstance(given, ast.Subscript) else given.func.value  # type: ignore[union-attr]
    return given if isinstance(given, ast.Call) and len(given.args) == 1 and not given.keywords else None


def _is_reshaped(node: ast.expr | None) -> bool:
    shapes = ("view", "squeeze", "reshape", "flatten")
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in shapes


def _is_cut(node: ast.expr) -> bool:
    method = node.func if isinstance(node, ast.Call) else node
    return isinstance(method, ast.Attribute) and method.attr in CUTS


def _same_fakes(judged: ast.Call, against: ast.Call) -> bool:
    """Return whether two calls give one net the same images, in the second detached."""
    cut = against.args[0]
    inner = cut.func.value if isinstance(cut, ast.Call) else cut.value  # type: ignore[attr-defined]
    return ast.unparse(judged.func) == ast.unparse(against.func) and ast.unparse(judged.args[0]) == ast.unparse(inner)


def _same_label(training: Training, loss: LossCall, other: LossCall) -> bool:
    """Return whether all labels of two losses are known, and one number."""
    one = _value(training, loss.target) if loss.target is not None else None
    two = _value(training, other.target) if other.target is not None else None
    return one is not None and one == two


def _value(training: Training, target: ast.expr) -> object:
    """Return the number that all labels of a target have where it is used; None where that is not known."""
    if isinstance(target, ast.Name):
        filled = _last_fill(training, target)
        held = training.values.single(target)
        if filled is None:
            return _value(training, held) if held is not None and held is not target else None
        return _number(training, filled)
    name = called(target) if isinstance(target, ast.Call) else ""
    if name in CONSTANT:
        return CONSTANT[name]
    given = keyword(target, "fill_value", 1) if isinstance(target, ast.Call) and name in FILLED else None
    return _number(training, given) if given is not None else None


def _last_fill(training: Training, target: ast.Name) -> ast.expr | None:
    """Return what the last fill_() of a label before its use gives it, where it was filled since it was made."""
    scope = training.script.scope(target)
    calls = training.script.calls_by_name.get("fill_", [])
    fills = [c for c in calls if c.args and c.lineno < target.lineno and ast.unparse(c.func) == f"{target.id}.fill_"]
    bound = [
        b.statement for b in training.script.bindings(scope).get(target.id, []) if isinstance(b.statement, ast.stmt)
    ]
    made = max((s.lineno for s in bound if s.lineno < target.lineno), default=0)
    last = max(fills, key=lambda c: c.lineno, default=None)
    same = last is not None and training.script.scope(last) is scope
    return last.args[0] if last is not None and same and last.lineno > made else None


def _number(training: Training, node: ast.expr) -> object:
    held = training.values.single(node) if isinstance(node, (ast.Name, ast.Attribute)) else node
    number = constant(held)
    return float(number) if isinstance(number, (int, float)) else ast.unparse(node) if names_in(node) else None
