"""A pinball loss whose error has the other sign: the quantile that is learned is the one on the other side."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PREDICTED = re.compile(r"pred|out|hat|forecast|estimate|quantile|output|model|net", re.IGNORECASE)
TRUE = re.compile(r"(^|[^a-z])(y|targets?|labels?|true|actual|truth|obs|observed|real)([^a-z]|$)", re.IGNORECASE)
MAXIMA = frozenset({"max", "maximum", "fmax"})
TWO = 2


@pattern("error", "quantile", words=(("max", "where"), ("1",)))
def quantile_reversed(training: Training) -> Iterator[Match]:
    """Yield pinball losses that weigh what lies above the prediction as they should weigh what lies below."""
    for call in training.script.calls:
        found = _pinball(call)
        if found is None:
            continue
        error, quantile, wants_target_first = found
        origin = training.values.single(error) if isinstance(error, ast.Name) else error
        if not isinstance(origin, ast.BinOp) or not isinstance(origin.op, ast.Sub):
            continue
        first = _target_first(origin)
        if first is not None and first != wants_target_first:
            source = training.source
            turned = f"{source.segment(origin.right)} - {source.segment(origin.left)}"
            values = {"error": ast.unparse(origin), "quantile": quantile}
            yield Match(origin, values, call, (replaced(source, origin, turned),))


def _pinball(call: ast.Call) -> tuple[ast.expr, str, bool] | None:
    """Return the error and the quantile of max(q * e, (q - 1) * e), and whether e is to be target minus prediction."""
    parts = call.args if called(call) in MAXIMA and len(call.args) == TWO else []
    if called(call) == "where" and len(call.args) == TWO + 1:
        parts = call.args[1:]
    if len(parts) != TWO:
        return None
    for one, two in (parts, parts[::-1]):
        for error, weight in _factors(one):
            for other, rest in _factors(two):
                found = _of_weights(weight, rest) if ast.unparse(error) == ast.unparse(other) else None
                if found is not None:
                    return error, *found
    return None


def _factors(part: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Return the two sides of a product, either way round."""
    if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub) and isinstance(part.operand, ast.BinOp):
        return [(e, ast.UnaryOp(ast.USub(), weight)) for e, weight in _factors(part.operand)]
    if not isinstance(part, ast.BinOp) or not isinstance(part.op, ast.Mult):
        return []
    return [(part.left, part.right), (part.right, part.left)]


def _of_weights(weight: ast.expr, rest: ast.expr) -> tuple[str, bool] | None:
    """Return the quantile of two weights, and whether they are q and q - 1 or 1 - q and -q."""
    quantile = _below(rest)
    if quantile and ast.unparse(weight) == quantile:
        return quantile, True
    quantile = _rest(weight)
    return (quantile, False) if quantile and ast.unparse(rest) == f"-{quantile}" else None


def _below(weight: ast.expr) -> str | None:
    """Return the quantile of `q - 1`, or of `-(1 - q)`."""
    if isinstance(weight, ast.UnaryOp) and isinstance(weight.op, ast.USub):
        return _rest(weight.operand) or None
    taken = isinstance(weight, ast.BinOp) and isinstance(weight.op, ast.Sub) and constant(weight.right) in (1, 1.0)
    return ast.unparse(weight.left) if taken else None  # type: ignore[attr-defined]


def _rest(weight: ast.expr) -> str:
    """Return the quantile of `1 - q`."""
    taken = isinstance(weight, ast.BinOp) and isinstance(weight.op, ast.Sub) and constant(weight.left) in (1, 1.0)
    return ast.unparse(weight.right) if taken else ""  # type: ignore[attr-defined]


def _target_first(difference: ast.BinOp) -> bool | None:
    """Return whether a difference is target minus prediction; None where its names do not tell."""
    sides = [ast.unparse(side) for side in (difference.left, difference.right)]
    true = [TRUE.search(side) is not None and PREDICTED.search(side) is None for side in sides]
    predicted = [PREDICTED.search(side) is not None for side in sides]
    if true[0] and predicted[1]:
        return True
    return False if predicted[0] and true[1] else None
