"""A learned weight of a loss that nothing keeps from zero: the loss falls by itself, and the model stops learning."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

LOSS = re.compile(r"loss|cross_entropy|(^|\W)l\d?($|\W)|(^|\W|_)(ce|mse|bce|nll|mae)($|\W|_)|\*\* 2", re.IGNORECASE)
# Uses that put nothing into the loss.
SHOWN = frozenset({"tolist", "item", "detach", "cpu", "numpy", "size", "numel", "data", "shape"})
SQUARE = 2


@pattern("weight", "loss", "parameter", words=(("Parameter(",), ("exp(", "** 2", "pow("), ("loss", "mse")))
def loss_weight_free(training: Training) -> Iterator[Match]:
    """Yield products of a loss and of exp(-p) or 1 / p ** 2 of a parameter p that stands nowhere else in the loss."""
    for owner in training.script.classes.values():
        for name in _parameters(training, owner):
            nodes = [n for n in training.script.of_type(ast.Attribute) if n.attr == name and _is_read(n)]
            places = [place for node in nodes for place in _places(training, node)]
            used = [_weight(training, place) for place in places if not _only_shown(training, place)]
            weighted = [_weighted(training, w) for w in used if w is not None]
            if used and all(w is not None for w in used) and all(weighted):
                product, loss = weighted[0] or (owner, owner)
                weight = ast.unparse(used[0] or owner)
                yield Match(product, {"parameter": f"self.{name}", "weight": weight, "loss": ast.unparse(loss)})


def _is_read(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Load)


def _parameters(training: Training, owner: ast.ClassDef) -> Iterator[str]:
    """Yield the attributes of a class that are parameters, each bound once and trained."""
    names = {n.attr for n in ast.walk(owner) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    for name in sorted(names):
        values = training.script.attribute_values(owner, name)
        made = values[0] if len(values) == 1 else None
        known = isinstance(made, ast.Call) and called(made) == "Parameter"
        if known and constant(keyword(made, "requires_grad", 1)) is not False:  # type: ignore[arg-type]
            yield name


def _places(training: Training, node: ast.expr) -> Iterator[ast.expr]:
    """Yield where a parameter is used: itself or a part of it, and the names that a statement or a loop gives it."""
    parent = training.script.parents.get(node)
    if isinstance(parent, ast.Subscript) and parent.value is node:
        yield from _places(training, parent)
        return
    name = ""
    if isinstance(parent, ast.Assign) and parent.value is node and isinstance(parent.targets[0], ast.Name):
        name, scope = parent.targets[0].id, training.script.scope(parent)
    else:
        loop = training.script.parents.get(parent) if isinstance(parent, ast.Call) else parent
        if isinstance(loop, (ast.For, ast.comprehension)):
            name, scope = _item(loop.target, parent, node), training.script.parents[loop] if isinstance(
                loop, ast.comprehension) else loop  # fmt: skip
    yield from reads(scope, name) if name else [node]


def _item(target: ast.expr, call: ast.AST | None, node: ast.expr) -> str:
    """Return the name that the items of a parameter have in a loop over it or over zip() of it and others."""
    if isinstance(target, ast.Name):
        return target.id
    zipped = isinstance(call, ast.Call) and called(call) == "zip" and isinstance(target, ast.Tuple)
    place = call.args.index(node) if zipped and isinstance(call, ast.Call) and node in call.args else -1
    item = target.elts[place] if isinstance(target, ast.Tuple) and 0 <= place < len(target.elts) else None
    return item.id if isinstance(item, ast.Name) else ""


def _only_shown(training: Training, node: ast.expr) -> bool:
    """Return whether a use is for printing, or hands the parameter to an optimizer."""
    parent = training.script.parents.get(node)
    if isinstance(parent, ast.Attribute) and parent.attr in SHOWN:
        return True
    around = [n for n in training.script.ancestors(node) if isinstance(n, ast.Call)]
    return any(call in training.optimizers or called(call) in ("print", "len", "add_scalar") for call in around)


def _weight(training: Training, node: ast.expr) -> ast.expr | None:
    """Return exp(-p) or the quotient by p squared that a use of a parameter belongs to, None for another use."""
    before: ast.AST = node
    negative = squared = False
    for parent in training.script.ancestors(node):
        if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub):
            negative = True
        elif isinstance(parent, ast.Call) and called(parent) == "exp":
            return parent if negative else None
        elif isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow) and parent.left is before:
            squared = constant(parent.right) == SQUARE
        elif isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Div):
            return parent if squared and parent.right is before else None
        elif not (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult) and _has_number(parent)):
            return None
        before = parent
    return None


def _has_number(node: ast.BinOp) -> bool:
    return constant(node.left) is not None or constant(node.right) is not None


def _weighted(training: Training, weight: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Return the product of a weight and a loss, and the loss; None where it multiplies something else."""
    if isinstance(weight, ast.BinOp) and constant(weight.left) is None:
        return (weight, weight.left) if _is_loss(training, weight.left) else None
    parent = training.script.parents.get(weight)
    while isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult) and _has_number(parent):
        weight, parent = parent, training.script.parents.get(parent)
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        uses = reads(training.script.scope(parent), parent.targets[0].id)
        found = [_weighted(training, use) for use in uses]
        return found[0] if found and all(found) else None
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult):
        other = parent.right if parent.left is weight else parent.left
        return (parent, other) if _is_loss(training, other) else None
    return None


def _is_loss(training: Training, expr: ast.expr) -> bool:
    """Return whether an expression reads like a loss, or is one of losses in a loop."""
    loops = [ast.unparse(b.value) for b in training.loop_values(expr) if b.value is not None]
    return any(LOSS.search(text) for text in (ast.unparse(expr), *loops))
