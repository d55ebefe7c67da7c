"""The weight of the entropy in soft actor-critic, learned with the wrong sign: it runs away from its target."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASKED, minimized
from trainadvisor.source.syntax import constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ALPHA = re.compile(r"(^|[._])(log_?)?(alpha|ent_coef|temperature|temp)\w*(\.exp\(\))?$|exp\(\S*log_?(alpha|ent_coef)",
                   re.IGNORECASE)  # fmt: skip
TARGET = re.compile(r"(target|goal|min|desired)_?ent|ent\w*_?target|\bh_?(bar|target)\b", re.IGNORECASE)
LIKELIHOOD = re.compile(r"(^|[^a-z])(log_?(p|pi|prob)\w*|lp)(?![a-z])", re.IGNORECASE)
CUT = ("detach", "data", "item", "float")


@pattern("term", "score", words=(("alpha", "ent_coef", "temp"), ("entropy", "ent_"), ("log_prob", "logp", "log_pi"),
                                  ASKED))  # fmt: skip
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield products of a learned weight and log-probability + target entropy that are minimized with a plus sign."""
    for part in minimized(training):
        product = part.node
        if not isinstance(product, ast.BinOp) or not isinstance(product.op, ast.Mult):
            continue
        for weight, gap in ((product.left, product.right), (product.right, product.left)):
            if ALPHA.search(ast.unparse(weight)) and _rises(gap, part.sign * _own(weight)):
                yield Match(product, {"term": ast.unparse(product), "score": ast.unparse(weight)})
                break


def _rises(gap: ast.expr, sign: int) -> bool:
    """Return whether the loss holds a target entropy and log-probabilities with a plus: both belong behind a minus."""
    while isinstance(gap, ast.Call) and isinstance(gap.func, ast.Attribute) and gap.func.attr in CUT:
        gap = gap.func.value
    while isinstance(gap, ast.Attribute) and gap.attr in CUT:
        gap = gap.value
    if not isinstance(gap, ast.BinOp) or not isinstance(gap.op, (ast.Add, ast.Sub)):
        return False
    sides = [(gap.left, sign), (gap.right, sign if isinstance(gap.op, ast.Add) else -sign)]
    found = [(_kind(node), value * _own(node)) for node, value in sides]
    return {kind for kind, _ in found} == {"target", "likelihood"} and all(value > 0 for _, value in found)


def _own(node: ast.expr) -> int:
    """Return the sign that a minus or the number of a product gives an expression."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _own(node.left) * _own(node.right)
    number = constant(node)
    negative = number < 0 if isinstance(number, (int, float)) else False
    return -1 if negative or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)) else 1


def _kind(node: ast.expr) -> str:
    text = ast.unparse(node)
    return "target" if TARGET.search(text) else "likelihood" if LIKELIHOOD.search(text) else ""
