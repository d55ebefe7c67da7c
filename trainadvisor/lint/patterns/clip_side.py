"""A clipped policy loss that takes the better of the two terms: the clip then holds nothing back."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

LARGER, SMALLER = frozenset({"max", "maximum", "fmax"}), frozenset({"min", "minimum", "fmin"})
CLIPS = frozenset({"clamp", "clip", "clamp_"})
WORTH = re.compile(r"adv|gae|return", re.IGNORECASE)
# Worth less the larger it is, or already turned.
TURNED = re.compile(r"cost|neg|minus|penal|violat", re.IGNORECASE)
DEEPEST = 6


@pattern("taken", "right", words=(("clamp", "clip"), ("ratio", "exp("), ("adv", "gae"), ("min", "max")))
def clip_without_effect(training: Training) -> Iterator[Match]:
    """Yield the larger of ratio * advantage and its clipped form, and the smaller of both with a minus inside."""
    for call in training.script.calls:
        if called(call) not in LARGER | SMALLER or len(call.args) != 2:  # noqa: PLR2004
            continue
        signs = [_sign(training, value) for value in call.args]
        clipped = [_has_clip(training, value) for value in call.args]
        if None in signs or signs[0] != signs[1] or sorted(clipped) != [False, True]:
            continue
        if (called(call) in LARGER) == (signs[0] == 1):
            name = called(call)
            right = name.replace("max", "min") if "max" in name else name.replace("min", "max")
            yield Match(call, {"taken": ast.unparse(call), "right": right})


def _factors(training: Training, node: ast.expr, depth: int = 0) -> list[ast.expr]:
    """Return the factors of a product, through names of products; a minus is a factor of -1."""
    made = training.values.single(node) if isinstance(node, ast.Name) else node
    made = made if made is not None else node
    if depth < DEEPEST and isinstance(made, ast.BinOp) and isinstance(made.op, ast.Mult):
        return [f for side in (made.left, made.right) for f in _factors(training, side, depth + 1)]
    if depth < DEEPEST and isinstance(made, ast.UnaryOp) and isinstance(made.op, ast.USub):
        minus = ast.Constant(-1)
        return [minus, *_factors(training, made.operand, depth + 1)]
    return [node if isinstance(node, ast.Name) else made]


def _sign(training: Training, node: ast.expr) -> int | None:
    """Return the sign of a product of a ratio and what an action was worth; None for anything else."""
    sign, worth = 1, False
    factors = _factors(training, node)
    for factor in factors:
        number = constant(factor)
        if isinstance(number, (int, float)):
            sign = -sign if number < 0 else sign
            continue
        text = ast.unparse(factor)
        if TURNED.search(text):
            return None
        worth = worth or WORTH.search(text) is not None
    return sign if worth and len(factors) > 1 else None


def _has_clip(training: Training, node: ast.expr) -> bool:
    """Return whether a factor of a product is a clipped one."""
    for factor in _factors(training, node):
        made = training.values.single(factor) if isinstance(factor, ast.Name) else factor
        if isinstance(made, ast.Call) and called(made) in CLIPS:
            return True
    return False
