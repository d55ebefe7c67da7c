"""Weights that were to be kept and go on changing: a state dict or a model under a second name is no copy."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

BEST = re.compile(r"best|snapshot|checkpoint|saved", re.IGNORECASE)
REFERENCE = re.compile(r"^(self\.)?(ref|reference|target|old|teacher|ema|frozen|anchor|initial)(_|$)", re.IGNORECASE)
MODEL = re.compile(r"(net|model|policy|actor|critic|network|module|reference|ref|teacher|q)$", re.IGNORECASE)


@pattern("name", "value", words=(("state_dict()", "best"), ("best", "state")))
def best_weights_not_copied(training: Training) -> Iterator[Match]:
    """Yield weights kept under a condition, as they are, and used when later rounds have changed them."""
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        name = ast.unparse(target)
        if len(node.targets) != 1 or not _is_alias(training, node.value, name):
            continue
        if _is_kept_name(training, node, target) or _is_kept_attribute(training, node, target):
            yield Match(node, {"name": name, "value": ast.unparse(node.value)}, fix=_copied(training, node.value))


def _is_kept_name(training: Training, node: ast.Assign, target: ast.expr) -> bool:
    """Return whether a loop binds a name under a condition, and it is read behind that loop."""
    loops = training.script.loops(node)
    if not isinstance(target, ast.Name) or not loops or _leaves(training, node):
        return False
    return _used_behind(training, node, target.id, loops[-1])


def _is_kept_attribute(training: Training, node: ast.Assign, target: ast.expr) -> bool:
    """Return whether an object keeps its best under a condition, and it is read elsewhere than there."""
    if not isinstance(target, ast.Attribute) or not is_self(target.value) or not BEST.search(target.attr):
        return False
    condition = _condition(training, node)
    if condition is None or _ends(condition):
        return False
    here = set(ast.walk(condition))
    reads = [n for n in training.script.of_type(ast.Attribute) if n.attr == target.attr and n not in here]
    return any(isinstance(n.ctx, ast.Load) and not _is_asked_for(training, n) for n in reads)


def _is_asked_for(training: Training, read: ast.Attribute) -> bool:
    """Return whether it is only asked whether there is a value."""
    return isinstance(next(training.script.ancestors(read), None), (ast.Compare, ast.If, ast.BoolOp, ast.UnaryOp))


def _is_alias(training: Training, value: ast.expr, name: str) -> bool:
    """Return whether a value is the weights themselves, or a table that holds them."""
    if isinstance(value, ast.Dict):
        return any(isinstance(part, ast.Call) and _is_alias(training, part, name) for part in value.values)
    if isinstance(value, ast.Call):
        owner = ast.unparse(value.func.value) if isinstance(value.func, ast.Attribute) else ""
        return called(value) == "state_dict" and not value.args and MODEL.search(owner) is not None
    made = training.made(value) if isinstance(value, ast.Name) and BEST.search(name) else None
    return made is not None and training.operations.is_module(made)


def _leaves(training: Training, node: ast.Assign) -> bool:
    """Return whether it is not a condition that chooses the round, or the loop ends there."""
    condition = _condition(training, node)
    if condition is None or condition not in [n for loop in training.script.loops(node) for n in ast.walk(loop)]:
        return True
    return _ends(condition)


def _condition(training: Training, node: ast.AST) -> ast.If | None:
    return next((n for n in training.script.ancestors(node) if isinstance(n, ast.If)), None)


def _ends(condition: ast.If) -> bool:
    return any(isinstance(n, (ast.Break, ast.Return)) for s in condition.body for n in ast.walk(s))


def _used_behind(training: Training, node: ast.Assign, name: str, loop: ast.AST) -> bool:
    """Return whether a name is read behind a loop as it was bound there."""
    scope, last = training.script.scope(node), getattr(loop, "end_lineno", 0)
    behind = (n for n in training.script.inside(scope) if isinstance(n, ast.Name) and n.lineno > last)
    return any(
        n.id == name and isinstance(n.ctx, ast.Load) and node in [b.statement for b in training.script.reaching(n)]
        for n in behind
    )


def _copied(training: Training, value: ast.expr) -> Fix:
    return (replaced(training.source, value, f"copy.deepcopy({training.source.segment(value)})"),)


@pattern("name", "value", words=(("ref", "target", "old_", "teacher", "ema", "frozen", "initial"),))
def reference_not_copied(training: Training) -> Iterator[Match]:
    """Yield a second name for a model that is to stay behind it: reference, target, teacher."""
    for node in training.script.of_type(ast.Assign):
        if len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        if not isinstance(target, (ast.Name, ast.Attribute)) or not isinstance(value, (ast.Name, ast.Attribute)):
            continue
        name = ast.unparse(target)
        if not REFERENCE.search(name) or not MODEL.search(ast.unparse(value)) or REFERENCE.search(ast.unparse(value)):
            continue
        if isinstance(target, ast.Name) and len(training.script.bindings(training.script.scope(node))[target.id]) > 1:
            continue
        made = training.made(value)
        trained = any(f"{ast.unparse(value)}.parameters()" in ast.unparse(call) for call in training.optimizers)
        if made is not None and "copy" not in called(made) and trained:
            yield Match(node, {"name": name, "value": ast.unparse(value)}, fix=_copied(training, value))
