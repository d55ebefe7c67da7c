"""A reconstruction that is asked for where the input is visible, and not where it was masked."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ERROR = re.compile(r"loss|err|mse|\*\* 2|pow\(|abs\(|square")
DRAWN = re.compile(r"\b(rand|randn|randperm|bernoulli|multinomial|rand_like|random|uniform|bernoulli_)\b")
HIDES = frozenset({"masked_fill", "masked_fill_", "where"})


@pattern("window", "target", words=(("mask",), ("rand", "bernoulli"), ("~", "1 -", "1.0 -", "logical_not")))
def target_leak(training: Training) -> Iterator[Match]:
    """Yield errors that are weighted by what a random mask leaves visible, and by nothing else."""
    for name, hidden in _hidden(training):
        scope = training.script.scope(hidden)
        errors = [(node, _share(node, name)) for node in ast.walk(scope) if _share(node, name)]
        if errors and all(share < 0 for _, share in errors) and _is_drawn(training, scope, name):
            yield Match(errors[0][0], {"window": ast.unparse(hidden), "target": ast.unparse(errors[0][0])}, hidden)


def _hidden(training: Training) -> Iterator[tuple[str, ast.AST]]:
    """Yield masks with where a value is hidden: x.masked_fill(m, 0), x * (1 - m), x[m] = 0, where(m, token, x)."""
    for node in training.script.of_type(ast.Call, ast.BinOp, ast.Assign):
        if isinstance(node, ast.Call) and called(node) in HIDES and node.args and _name(node.args[0]):
            yield _name(node.args[0]), node
        elif (
            isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript) and _name(node.targets[0].slice)
        ):
            yield _name(node.targets[0].slice), node
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and not ERROR.search(ast.unparse(node)):
            name = _complement(node.right) or _complement(node.left)
            if name:
                yield name, node


def _name(node: ast.expr) -> str:
    """Return the name of a mask, with new axes left out."""
    inner = node.value if isinstance(node, ast.Subscript) else node
    return inner.id if isinstance(inner, ast.Name) and "mask" in inner.id.lower() else ""


def _complement(node: ast.expr) -> str:
    """Return the mask of 1 - mask and of ~mask."""
    if isinstance(node, ast.Subscript):
        return _complement(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and constant(node.left) in (1, 1.0):
        return _name(node.right)
    return _name(node.operand) if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert) else ""


def _share(node: ast.AST, mask: str) -> int:
    """Return 1 for an error that is taken where a mask hides, -1 for one where it does not, 0 for another node."""
    if isinstance(node, ast.Subscript) and ERROR.search(ast.unparse(node.value)) and isinstance(node.ctx, ast.Load):
        place = node.slice
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        sides = [s for s in (node.left, node.right) if mask not in names_in(s)]
        others = [s for s in (node.left, node.right) if mask in names_in(s)]
        if len(sides) != 1 or not ERROR.search(ast.unparse(sides[0])):
            return 0
        place = others[0]
    else:
        return 0
    return -1 if _complement(place) == mask else 1 if mask in names_in(place) else 0


def _is_drawn(training: Training, scope: ast.AST, name: str) -> bool:
    """Return whether a mask is drawn at random: where values are missing from the start, none can be asked for."""
    made = [b.value for b in training.script.bindings(scope).get(name, [])]
    texts = [ast.unparse(v) for v in made if v is not None]
    texts += [ast.unparse(f) for v in made if isinstance(v, ast.Call) for f in training.called_functions(v)]
    return bool(texts) and any(DRAWN.search(text) for text in texts)
