"""Triplets whose like pair is pushed apart: the distance to the negative is what the loss makes small."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

HINGES = frozenset({"relu", "relu_", "clamp", "clamp_", "clamp_min", "clip", "max", "maximum", "softplus"})
OF_TORCH = frozenset({"TripletMarginLoss", "TripletMarginWithDistanceLoss"})
POSITIVE = re.compile(r"(?<![a-z])(pos(itives?)?|ap|p)(?![a-z=])", re.IGNORECASE)
NEGATIVE = re.compile(r"(?<![a-z])(neg(atives?)?|an|n)(?![a-z=])", re.IGNORECASE)
DISTANCE = re.compile(r"dist|norm\(|euclid|pow\(2\)|\*\* 2|square|cdist|mse_loss|l1_loss|(?<![a-z])d(?![a-z])")
SIMILARITY = re.compile(r"sim|cos|dot|score|logit|energy|@|matmul|mm\(|einsum|inner", re.IGNORECASE)
TERMS = 3  # two distances and a margin


@pattern("near", "far", words=(("margin", "relu", "clamp", "max"), ("neg", "Neg", "_n", "an")))
def triplet_reversed(training: Training) -> Iterator[Match]:
    """Yield hinges of the distance to the negative less that to the positive, and such arguments of torch's own."""
    for call in training.script.calls:
        if called(call) in HINGES:
            for total in _sums(training, call):
                yield from _turned(training, call, total)
        elif _is_torchs(training, call) and [_side(training, arg) for arg in call.args[1:3]] == [-1, 1]:
            yield Match(call, {"near": words_of(call.args[1]), "far": words_of(call.args[2])})


def _is_torchs(training: Training, call: ast.Call) -> bool:
    made = training.made(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else None
    return called(call) == "triplet_margin_loss" or (made is not None and called(made) in OF_TORCH)


def _turned(training: Training, call: ast.Call, total: ast.expr) -> Iterator[Match]:
    """Yield a hinge over a sum of two distances and a margin where the far pair has the plus and the near the minus."""
    terms = list(_terms(training, total))
    sides = [(sign, _side(training, term), term) for sign, term in terms]
    near = [(sign, term) for sign, side, term in sides if side == 1]
    far = [(sign, term) for sign, side, term in sides if side == -1]
    rest = [sign for sign, side, _ in sides if side == 0]
    if len(terms) != TERMS or len(near) != 1 or len(far) != 1 or rest != [1]:
        return
    turned = far[0][0] == 1 and near[0][0] == -1
    if turned and all(_is_distance(training, term) for _, term in (*near, *far)):
        yield Match(call, {"near": words_of(far[0][1]), "far": words_of(near[0][1])})


def _sums(training: Training, call: ast.Call) -> list[ast.expr]:
    """Return the sums that a hinge cuts off at zero, held by a name or written where they are cut."""
    owner = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    held = [_bound(training, value) or value for value in [*call.args, *owner]]
    return [value for value in held if _is_sum(value)]


def _terms(training: Training, expr: ast.expr, sign: int = 1) -> Iterator[tuple[int, ast.expr]]:
    """Yield the terms of a sum with their signs, of a sum that a term is the name of too."""
    held = _bound(training, expr)
    total = held if _is_sum(held) else expr
    if isinstance(total, ast.BinOp) and _is_sum(total):
        yield from _terms(training, total.left, sign)
        yield from _terms(training, total.right, sign if isinstance(total.op, ast.Add) else -sign)
    else:
        yield sign, expr


def _is_sum(expr: ast.expr | None) -> bool:
    return isinstance(expr, ast.BinOp) and isinstance(expr.op, (ast.Add, ast.Sub))


def _side(training: Training, expr: ast.expr) -> int:
    """Return 1 for what belongs to the positive, -1 for the negative, 0 where names tell nothing."""
    for one in (expr, _bound(training, expr)):
        if one is not None:
            text = words_of(one)
            near, far = POSITIVE.search(text) is not None, NEGATIVE.search(text) is not None
            if near != far:
                return 1 if near else -1
    return 0


def _is_distance(training: Training, term: ast.expr) -> bool:
    """Return whether a term grows with how far two outputs are apart, by the names and formulas that make it."""
    known = [term, *([value] if (value := _bound(training, term)) is not None else [])]
    for call in [n for value in known for n in ast.walk(value) if isinstance(n, ast.Call)]:
        known += [
            part.value
            for function in _called_functions(training, call)
            for part in ast.walk(function)
            if isinstance(part, ast.Return) and part.value is not None
        ]
    texts = [words_of(value) for value in known]
    if any(SIMILARITY.search(text) for text in texts) or any(_is_turned(value) for value in known):
        return False
    return any(DISTANCE.search(text) for text in texts)


def _called_functions(training: Training, call: ast.Call) -> list[ast.AST]:
    """Return the functions that a call may reach: where the object is not known, all methods of that name."""
    return [*training.called_functions(call)] or [f for f in training.script.functions if f.name == called(call)]


def _is_turned(value: ast.expr) -> bool:
    """Return whether a value holds a distance with a minus before it, as a score does."""
    taken = [n.operand for n in ast.walk(value) if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.USub)]
    taken += [n.right for n in ast.walk(value) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub)]
    return any(DISTANCE.search(words_of(operand)) for operand in taken)


def _bound(training: Training, expr: ast.expr) -> ast.expr | None:
    """Return the only value that a name is bound to."""
    bound = training.script.reaching(expr) if isinstance(expr, ast.Name) else []
    return bound[0].value if len(bound) == 1 and bound[0].kind == "value" and not bound[0].path else None
