"""The change of volume of a normalizing flow, with the sign of the way back."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASKED, Part, minimized, parts
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

VOLUME = re.compile(r"log_?(abs_?)?det|ldj|log_?jac|logdj", re.IGNORECASE)
DENSITY = re.compile(r"log_?p|log_?prob|\*\* 2|pow\(|square|prior|logpz|normal", re.IGNORECASE)


@pattern("term", "score", words=(("log_det", "logdet", "ldj", "log_jac", "logabsdet"), ("exp(",), ASKED))
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield logarithms of determinants that make a loss smaller where the layers make the volume smaller."""
    ways = {way for function in training.script.functions if (way := _way(training, function))}
    if len(ways) != 1:
        return
    found = [inner for part in minimized(training) for inner in _within(training, part)]
    volumes = [p for p in found if VOLUME.search(ast.unparse(p.node)) and not DENSITY.search(ast.unparse(p.node))]
    signs = {p.sign for p in volumes}
    if len(signs) == 1 and any(DENSITY.search(p.words) for p in found if p not in volumes) and signs == ways:
        part = volumes[0]
        sign = "+" if part.sign > 0 else "-"
        yield Match(part.node, {"term": f"{sign} {ast.unparse(part.node)}", "score": ast.unparse(part.node)})


def _within(training: Training, part: Part) -> Iterator[Part]:
    """Yield the parts of what a method of the script returns, or the part itself."""
    name = called(part.node) if isinstance(part.node, ast.Call) else ""
    functions = [function for function in training.script.functions if function.name == name]
    returns = [n.value for f in functions for n in ast.walk(f) if isinstance(n, ast.Return) and n.value is not None]
    if len(functions) != 1 or len(returns) != 1 or isinstance(returns[0], ast.Tuple):
        yield part
        return
    yield from parts(training, returns[0], part.sign, part.names)


def _way(training: Training, function: ast.AST) -> int:
    """Return 1 where a layer returns the determinant of what it does, -1 for that of the way back, 0 if neither."""
    name, grows = _scaled(training, function)
    sums = {_sign(training, node) for node in ast.walk(function) if name and _is_sum(node, name)}
    return grows * sums.pop() if len(sums) == 1 else 0


def _scaled(training: Training, function: ast.AST) -> tuple[str, int]:
    """Return the name of the logarithm of the only scale in a function, and whether the scale multiplies or divides."""
    found = set()
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and called(node) == "exp"):
            continue
        inner = node.args[0] if node.args else getattr(node.func, "value", None)
        negative = isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.USub)
        inner = inner.operand if isinstance(inner, ast.UnaryOp) else inner
        parent = training.script.parents.get(node)
        if isinstance(inner, ast.Name) and isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Mult, ast.Div)):
            divides = isinstance(parent.op, ast.Div) and parent.right is node
            found.add((inner.id, -1 if negative != divides else 1))
    return found.pop() if len(found) == 1 else ("", 0)


def _is_sum(node: ast.AST, name: str) -> bool:
    """Return whether a node is the sum of a named value: s.sum(1), torch.sum(s, 1)."""
    if not (isinstance(node, ast.Call) and called(node) == "sum" and isinstance(node.func, ast.Attribute)):
        return False
    summed = node.args[0] if node.args and isinstance(node.args[0], ast.Name) else node.func.value
    return isinstance(summed, ast.Name) and summed.id == name


def _sign(training: Training, node: ast.AST) -> int:
    """Return the sign with which a sum enters what its statement makes."""
    sign, before = 1, node
    for parent in training.script.ancestors(node):
        minus = isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub)
        minus |= isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Sub) and parent.right is before
        minus |= isinstance(parent, ast.AugAssign) and isinstance(parent.op, ast.Sub)
        sign = -sign if minus else sign
        if isinstance(parent, ast.stmt):
            break
        before = parent
    return sign
