"""Makes a function of a condition once, which computes its value from the signals of any log; unknown is None."""

import ast
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

TRUTHS = {"true": True, "false": False}

Value = float | int | bool | str
Lookup = Callable[[str], Value | None]
Evaluate = Callable[[Lookup], Any]

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
EQUALITY: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
MEMBERSHIP = (ast.In, ast.NotIn)


def nice(value: float) -> float:
    """Round to two significant digits."""
    return float(f"{value:.1e}")


FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "sqrt": math.sqrt,
    "log": math.log,
    "ceil": math.ceil,
    "nice": nice,
}
PAIRED = ("min", "max")


def function_of(node: ast.expr) -> Evaluate:  # noqa: PLR0911 - one a form
    """Return what computes a node: rules ask the same of every log."""
    match node:
        case ast.Constant(value=value):
            return lambda _: value
        case ast.Name(id=name):
            return (lambda _: TRUTHS[name]) if name in TRUTHS else (lambda lookup: lookup(name))
        case ast.BoolOp(op=op, values=values):
            return _joined([function_of(v) for v in values], decisive=isinstance(op, ast.Or))
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(op, function_of(operand))
        case ast.BinOp(op=op, left=left, right=right):
            return _calculated(ARITHMETIC[type(op)], [function_of(left), function_of(right)])
        case ast.Compare():
            compared = list(_comparisons(node))
            return compared[0] if len(compared) == 1 else _joined(compared, decisive=False)
        case ast.Call(func=ast.Name(id=name), args=args):
            return _calculated(FUNCTIONS[name], [function_of(a) for a in args])
    raise TypeError(type(node).__name__)


def _joined(parts: list[Evaluate], *, decisive: bool) -> Evaluate:
    """Join truth values: one decisive value settles it, else an unknown one leaves it open."""

    def join(lookup: Lookup) -> bool | None:
        unknown = False
        for part in parts:
            value = part(lookup)
            if value is None:
                unknown = True
            elif bool(value) is decisive:
                return decisive
        return None if unknown else not decisive

    return join


def _unary(op: ast.unaryop, operand: Evaluate) -> Evaluate:
    negated = operator.not_ if isinstance(op, ast.Not) else operator.neg

    def compute(lookup: Lookup) -> Any:
        value = operand(lookup)
        return None if value is None else negated(value)

    return compute


def _calculated(function: Callable[..., Any], parts: list[Evaluate]) -> Evaluate:
    def compute(lookup: Lookup) -> Any:
        values = [part(lookup) for part in parts]
        if None in values:
            return None
        try:
            result = function(*values)
            return result if math.isfinite(result) else None
        except (ZeroDivisionError, OverflowError, ValueError):
            return None

    return compute


def _comparisons(node: ast.Compare) -> Iterator[Evaluate]:
    left = function_of(node.left)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, MEMBERSHIP):
            yield _membership(left, _constants(comparator), inside=isinstance(op, ast.In))
            continue
        right = function_of(comparator)
        yield _comparison(left, ORDER.get(type(op)) or EQUALITY[type(op)], right)
        left = right


def _comparison(left: Evaluate, compare: Callable[[Any, Any], Any], right: Evaluate) -> Evaluate:
    def holds(lookup: Lookup) -> bool | None:
        one, other = left(lookup), right(lookup)
        return None if one is None or other is None else bool(compare(one, other))

    return holds


def _membership(left: Evaluate, constants: list[Any], *, inside: bool) -> Evaluate:
    def holds(lookup: Lookup) -> bool | None:
        value = left(lookup)
        return None if value is None else (value in constants) is inside

    return holds


def _constants(node: ast.expr) -> list[Any]:
    return (
        [e.value for e in node.elts if isinstance(e, ast.Constant)] if isinstance(node, (ast.Tuple, ast.List)) else []
    )
