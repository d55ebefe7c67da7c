"""Noise that a denoiser is to predict, drawn evenly between 0 and 1, where its samples start from normal noise."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

UNIFORM = {"torch.rand_like": "randn_like", "torch.rand": "randn"}
NORMAL = frozenset({"torch.randn", "torch.randn_like"})
# What says that a value is noised by a level for each step.
LEVELS = re.compile(r"alpha|beta|sigma|gamma|cumprod|sqrt", re.IGNORECASE)


@pattern("noise", "right", words=(("rand_like(", "torch.rand("), ("randn",), ("backward(",)))
def noise_not_normal(training: Training) -> Iterator[Match]:
    """Yield uniform noise that is mixed into an input and asked for by the loss, beside a sampler of normal noise."""
    if not any(_starts_normal(training, node) for node in training.script.calls):
        return
    for node in training.script.of_type(ast.Assign):
        target, drawn = node.targets[0], node.value
        if not isinstance(target, ast.Name) or not isinstance(drawn, ast.Call):
            continue
        name = UNIFORM.get(training.script.full(drawn.func))
        scope = training.script.scope(node)
        if name and _is_asked_for(training, scope, target.id) and _is_mixed(training, scope, target.id):
            right = ast.unparse(drawn).replace(called(drawn), name, 1)
            fix = (replaced(training.source, drawn, right),)
            yield Match(node, {"noise": ast.unparse(node), "right": right}, fix=fix)


def _starts_normal(training: Training, call: ast.Call) -> bool:
    """Return whether normal noise is drawn in a function that walks steps back: range(T - 1, -1, -1), reversed()."""
    if training.script.full(call.func) not in NORMAL:
        return False
    scope = training.script.scope(call)
    nodes = [n for n in training.script.inside(scope) if isinstance(n, ast.For)]
    return any("reversed(" in text or ", -1)" in text for text in (ast.unparse(n.iter) for n in nodes))


def _is_asked_for(training: Training, scope: ast.AST, name: str) -> bool:
    """Return whether a loss in a scope compares a prediction with the noise as it is."""
    for loss in training.losses:
        parts = [part for part in (loss.input, loss.target) if isinstance(part, ast.Name)]
        if training.script.scope(loss.call) is scope and any(part.id == name for part in parts):
            return True
    squares = (n for n in training.script.inside(scope) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub))
    return any(_is_squared(training, n) for n in squares if name in (_name(n.left), _name(n.right)))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _is_squared(training: Training, difference: ast.BinOp) -> bool:
    parent = training.script.parents.get(difference)
    power = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow)
    return power or (isinstance(parent, ast.Attribute) and parent.attr in ("pow", "square", "abs"))


def _is_mixed(training: Training, scope: ast.AST, name: str) -> bool:
    """Return whether noise is added with a level of its step, here or by a function that is given it."""
    for node in training.script.inside(scope):
        product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
        if product and name in names_in(node) and LEVELS.search(ast.unparse(node)):
            return True
        if isinstance(node, ast.Call) and any(_name(part) == name for part in node.args):
            functions = training.called_functions(node) or _methods(training, node)
            if any(LEVELS.search(ast.unparse(f)) and "noise" in ast.unparse(f) for f in functions):
                return True
    return False


def _methods(training: Training, call: ast.Call) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the methods of the script that a call of an object may mean, by name."""
    return [f for f in training.script.functions if isinstance(call.func, ast.Attribute) and f.name == call.func.attr]
