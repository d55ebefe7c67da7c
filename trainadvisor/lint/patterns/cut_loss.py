"""A loss that was cut from its graph and is then differentiated: backward() reaches no weight."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

METHODS = frozenset({"item", "detach", "numpy", "tolist"})
CUTS = frozenset({"argmax", "round", "sign", "floor", "ceil", "detach", "item", "numpy"})
MAKERS = frozenset({"torch.tensor", "torch.as_tensor", "torch.FloatTensor", "torch.Tensor", "torch.from_numpy",
                    "torch.autograd.Variable"})  # fmt: skip
# What is handed a loss for its backward(); that of a tensor is handed a gradient.
TAKES_LOSS = re.compile(r"accelerat|fabric|engine|strategy|lightning", re.IGNORECASE)


@pattern("loss", "cut", words=(("backward(",),))
def detached_loss(training: Training) -> Iterator[Match]:
    """Yield what cuts the value that backward() is called on, or makes it a leaf by force."""
    for backward in training.backwards:
        value = _differentiated(training, backward)
        if value is None:
            continue
        origins = training.values.origins(value)
        cuts = [_cut(training, origin.expr) if origin and not origin.loop else None for origin in origins]
        first = cuts[0] if cuts and all(cuts) else None
        if first is not None:
            inner, cut = first
            fix = (replaced(training.source, cut, training.source.segment(inner)),)
            yield Match(cut, {"loss": ast.unparse(value), "cut": _shown(cut)}, backward, fix)
        yield from _cut_inputs(training, backward, [o.expr for o in origins if o and not o.loop])
        forced = _forced(training, value, backward)
        if forced is not None:
            yield Match(forced, {"loss": ast.unparse(value), "cut": ast.unparse(forced)}, backward)


def _cut_inputs(training: Training, backward: ast.Call, origins: list[ast.expr]) -> Iterator[Match]:
    """Yield what leaves no gradient in the input of the losses that backward() is called on."""
    for loss in training.losses:
        ends = training.operations.ends(loss.input) if loss.call in origins else []
        if ends and {end.kind for end in ends} <= CUTS:
            cut = ends[0].node
            yield Match(cut, {"loss": ast.unparse(loss.input), "cut": ast.unparse(cut)}, backward)
    if _without_grad(training, backward) and origins and all(_without_grad(training, made) for made in origins):
        yield Match(backward, {"loss": ast.unparse(backward), "cut": "torch.no_grad()"})


def _without_grad(training: Training, computed: ast.expr) -> bool:
    """Return whether a value is computed where no gradients are."""
    for node in training.script.ancestors(computed):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return any("no_grad" in ast.unparse(d) for d in getattr(node, "decorator_list", []))
        names = [ast.unparse(i.context_expr) for i in node.items] if isinstance(node, ast.With) else []
        if any("enable_grad" in name or "set_grad_enabled" in name for name in names):
            return False
        if any("no_grad" in name or "inference_mode" in name for name in names):
            return True
    return False


def _differentiated(training: Training, backward: ast.Call) -> ast.expr | None:
    """Return what is differentiated: an argument only of what is no tensor, whose argument is its gradient."""
    if isinstance(backward.func, ast.Attribute) and called(backward) == "backward":
        owner = backward.func.value
        takes_loss = training.script.full(owner).startswith("torch.autograd") or TAKES_LOSS.search(ast.unparse(owner))
        if not takes_loss or not backward.args:
            return owner
    return backward.args[0] if backward.args else None


def _cut(training: Training, expr: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Return the value inside of an expression that cuts it, and that expression; None where nothing is cut."""
    if isinstance(expr, ast.Attribute) and expr.attr == "data":
        return expr.value, expr
    if not isinstance(expr, ast.Call):
        return None
    if isinstance(expr.func, ast.Attribute) and expr.func.attr in METHODS and not expr.args:
        return expr.func.value, expr
    if training.script.full(expr.func) in MAKERS and expr.args and not isinstance(expr.args[0], ast.Constant):
        plain = called(expr) == "Variable" and constant(keyword(expr, "requires_grad", 1)) is None
        return None if plain else (expr.args[0], expr)
    return None


def _shown(cut: ast.expr) -> str:
    """Return what cuts, without the value."""
    if isinstance(cut, ast.Attribute):
        return ".data"
    if isinstance(cut, ast.Call) and isinstance(cut.func, ast.Attribute) and cut.func.attr in METHODS:
        return f".{cut.func.attr}()"
    return f"{ast.unparse(cut.func)}(...)" if isinstance(cut, ast.Call) else ast.unparse(cut)


def _forced(training: Training, value: ast.expr, backward: ast.Call) -> ast.stmt | None:
    """Return the statement that sets requires_grad of a loss: where that is allowed, the loss has no graph."""
    losses = {loss.call for loss in training.losses}
    origins = training.values.origins(value)
    if not isinstance(value, ast.Name) or not any(origin and origin.expr in losses for origin in origins):
        return None
    for node in training.script.inside(training.script.scope(backward)):
        if isinstance(node, ast.stmt) and node.lineno < backward.lineno and _forces(node, value.id):
            return node
    return None


def _forces(node: ast.stmt, name: str) -> bool:
    """Return whether a statement sets requires_grad of a name to true."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
        target = node.targets[0]
        return target.attr == "requires_grad" and constant(node.value) is True and ast.unparse(target.value) == name
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    return call.func.attr == "requires_grad_" and ast.unparse(call.func.value) == name
