"""A focal loss that weighs by the probability of the true class, not by what is missing from it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

LOSS = re.compile(r"ce|loss|log|nll|entropy", re.IGNORECASE)
EXPONENT = re.compile(r"gamma|focus|focal", re.IGNORECASE)
TRUE = frozenset({1, 0.5, 0})


@pattern("factor", "probability", words=(("gamma", "focal", "Focal", "focus"), ("**", "pow(")))
def focal_factor_inverted(training: Training) -> Iterator[Match]:
    """Yield powers of the true class's probability that a loss is multiplied with."""
    for node in training.script.nodes:
        base, exponent = _power(training, node)
        if base is None or exponent is None or not EXPONENT.search(ast.unparse(exponent)):
            continue
        if _is_of_loss(training, node) and _is_of_true_class(training, base):
            yield Match(node, {"factor": ast.unparse(node), "probability": ast.unparse(base)})


def _power(training: Training, node: ast.AST) -> tuple[ast.expr | None, ast.expr | None]:
    """Return base and exponent of a power, however it is written."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return node.left, node.right
    if isinstance(node, ast.Call) and called(node) == "pow":
        if training.script.full(node.func) == "torch.pow" and len(node.args) > 1:
            return node.args[0], node.args[1]
        if isinstance(node.func, ast.Attribute) and len(node.args) == 1:
            return node.func.value, node.args[0]
    return None, None


def _is_of_loss(training: Training, power: ast.AST) -> bool:
    """Return whether a power is a factor of a product with a loss or a logarithm."""
    whole = power
    for parent in training.script.ancestors(power):
        product = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult)
        if not product and not (isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub)):
            break
        whole = parent
    rest = ast.unparse(whole).replace(ast.unparse(power), "")
    return whole is not power and LOSS.search(rest) is not None


def _is_of_true_class(training: Training, base: ast.expr) -> bool:
    """Return whether a value is the probability of the true class: exp(-loss), or picked by the label."""
    made = training.values.single(base) if isinstance(base, ast.Name) else base
    if isinstance(made, ast.Call) and called(made) == "exp" and (made.args or isinstance(made.func, ast.Attribute)):
        inner = made.args[0] if made.args else made.func.value  # type: ignore[attr-defined]
        return isinstance(inner, ast.UnaryOp) and LOSS.search(ast.unparse(inner.operand)) is not None
    if isinstance(made, ast.Call) and called(made) == "where" and len(made.args) == 3:  # noqa: PLR2004
        asked, then, other = made.args
        true = isinstance(asked, ast.Compare) and isinstance(asked.ops[0], (ast.Eq, ast.Gt, ast.GtE))
        value = constant(asked.comparators[0]) if isinstance(asked, ast.Compare) else None
        return true and value in ((1, 1.0) if isinstance(asked.ops[0], ast.Eq) else TRUE) and _is_rest(other, then)  # type: ignore[attr-defined]
    return isinstance(made, ast.BinOp) and isinstance(made.op, ast.Add) and _is_picked(made.left, made.right)


def _is_picked(one: ast.expr, other: ast.expr) -> bool:
    """Return whether two sides are p * y and (1 - p) * (1 - y), in any order."""
    for plain, rest in ((one, other), (other, one)):
        if all(isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mult) for side in (plain, rest)):
            factors = plain.left, plain.right  # type: ignore[attr-defined]
            rests = rest.left, rest.right  # type: ignore[attr-defined]
            if any(_is_rest(rests[n], factors[0]) and _is_rest(rests[1 - n], factors[1]) for n in (0, 1)):
                return True
    return False


def _is_rest(node: ast.expr, whole: ast.expr) -> bool:
    """Return whether a node is 1 - whole."""
    minus = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and constant(node.left) in (1, 1.0)
    return minus and ast.unparse(node.right) == ast.unparse(whole)  # type: ignore[attr-defined]
