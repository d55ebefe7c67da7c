"""A window of a series that holds the value which it is to predict."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

Sum = Counter[str]


@pattern("window", "target", words=((":",), ("append", "return", " for ")))
def target_leak(training: Training) -> Iterator[Match]:
    """Yield a slice and one later index of the same series, paired as input and target, where the slice reaches it."""
    for first, second in _pairs(training):
        for window, target in product(_parts(training, first), _parts(training, second)):
            if _reaches(training, window, target):
                values = {"window": ast.unparse(window), "target": ast.unparse(target)}
                yield Match(window, values, target)


def _pairs(training: Training) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield two expressions of which the first is an input and the second its target."""
    for node in training.script.of_type(ast.Return):
        if isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:  # noqa: PLR2004 - an input and its target
            yield node.value.elts[0], node.value.elts[1]
    appends: dict[ast.AST, list[ast.Call]] = {}
    for call in training.methods("append"):
        statement = training.script.statement(call)
        if len(call.args) == 1 and statement is not None:
            appends.setdefault(training.script.parents[statement], []).append(call)
    for calls in appends.values():
        for call in calls:
            if isinstance(call.args[0], ast.Tuple) and len(call.args[0].elts) == 2:  # noqa: PLR2004 - as above
                yield call.args[0].elts[0], call.args[0].elts[1]
        yield from ((a.args[0], b.args[0]) for a, b in product(calls, calls) if a is not b)


def _parts(training: Training, expr: ast.expr) -> Iterator[ast.Subscript]:
    """Yield the part of a series that a value is: wrapped in calls, or bound to a name."""
    for _ in range(6):
        if isinstance(expr, ast.Subscript):
            if isinstance(expr.value, ast.Subscript):
                return
            yield expr
            return
        if isinstance(expr, ast.Call):
            inner = expr.func.value if isinstance(expr.func, ast.Attribute) else None
            wrapped = expr.args[0] if expr.args and not training.operations.is_module(expr) else None
            library = training.script.full(expr.func).startswith(("torch.", "numpy.")) or inner is None
            known = wrapped if library else inner
        else:
            known = training.values.single(expr)
        if known is None or known is expr:
            return
        expr = known


def _reaches(training: Training, window: ast.Subscript, target: ast.Subscript) -> bool:
    """Return whether a slice along the first axis ends behind the index of a target in the same series."""
    if ast.unparse(window.value) != ast.unparse(target.value):
        return False
    (along, rest), (at, column) = _split(window), _split(target)
    if not isinstance(along, ast.Slice) or along.step or isinstance(at, ast.Slice) or along.upper is None:
        return False
    whole = all(isinstance(part, ast.Slice) and not (part.lower or part.upper) for part in rest)
    alike = [ast.unparse(part) for part in rest] == [ast.unparse(part) for part in column]
    if not (whole or alike) or any(isinstance(part, ast.Slice) for part in column) or along.lower is None:
        return False
    first, last, place = (_sum(training, part) for part in (along.lower, along.upper, at))
    if first is None or last is None or place is None:
        return False
    behind, before, length = _minus(last, place), _minus(place, first), _minus(last, first)
    return set(behind) == {""} and behind[""] > 0 and bool(set(before) - {""}) and bool(set(length) - {""})


def _split(part: ast.Subscript) -> tuple[ast.expr, list[ast.expr]]:
    """Return the index along the first axis, and those along the others."""
    if isinstance(part.slice, ast.Tuple) and part.slice.elts:
        return part.slice.elts[0], part.slice.elts[1:]
    return part.slice, []


def _sum(training: Training, expr: ast.expr, depth: int = 0) -> Sum | None:
    """Return an index as a sum of names and a number, the number under ""; None where it is no such sum."""
    if isinstance(expr, ast.Constant) and isinstance(expr.value, int):
        return Counter({"": expr.value})
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, (ast.Add, ast.Sub)):
        left, right = _sum(training, expr.left, depth + 1), _sum(training, expr.right, depth + 1)
        if left is None or right is None:
            return None
        return _plus(left, right) if isinstance(expr.op, ast.Add) else _minus(left, right)
    if isinstance(expr, ast.Name):
        origin = training.values.single(expr)
        if isinstance(origin, ast.BinOp) and depth < 4:  # noqa: PLR2004 - a name of a sum of names
            return _sum(training, origin, depth + 1)
        return Counter({expr.id: 1})
    return Counter({ast.unparse(expr): 1}) if isinstance(expr, ast.Attribute) else None


def _plus(one: Sum, other: Sum) -> Sum:
    return Counter({n: v for n in {*one, *other} if (v := one[n] + other[n])})


def _minus(one: Sum, other: Sum) -> Sum:
    return Counter({n: v for n in {*one, *other} if (v := one[n] - other[n])})
