"""Weights of classes in the order of how frequent the classes are, where the order of their numbers is asked for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MADE = frozenset({"CrossEntropyLoss", "NLLLoss"})
CALLED = frozenset({"cross_entropy", "nll_loss"})
# What hands on the order of what it is given.
WRAPPED = frozenset({"tensor", "as_tensor", "FloatTensor", "Tensor", "array", "asarray", "from_numpy", "list", "tuple",
                     "sqrt", "log", "log1p", "power", "float32"})  # fmt: skip
METHODS = frozenset({"values", "to_numpy", "tolist", "to", "float", "double", "cuda", "cpu", "astype", "numpy", "sqrt",
                     "log", "copy", "clip", "clamp", "to_list"})  # fmt: skip
NUMBERS = frozenset({"float", "int", "sum", "len", "max", "min", "sqrt", "log"})
RANKS = frozenset({"most_common", "value_counts"})
DEEPEST = 12


@pattern("weight", "order", words=(("weight",), ("value_counts", "most_common", "sorted("), ("CrossEntropy",
         "cross_entropy", "NLLLoss", "nll_loss")))  # fmt: skip
def class_weights_by_rank(training: Training) -> Iterator[Match]:
    """Yield losses whose weights are computed, one for one, from counts that are sorted by size."""
    if any(_numbered(training, call) for call in training.script.calls):
        return
    for call in training.script.calls:
        if called(call) in MADE | CALLED:
            weight = keyword(call, "weight", 0 if called(call) in MADE else None)
            order = _ranked(training, weight) if weight is not None else None
            if weight is not None and order is not None:
                yield Match(call, {"weight": ast.unparse(weight), "order": ast.unparse(order)}, order)


def _numbered(training: Training, call: ast.Call) -> bool:
    """Return whether classes are numbered, or their counts sorted in place, in the order that is asked for."""
    if called(call) == "sort_index" and constant(keyword(call, "inplace")) is True:
        return True
    name = called(call)
    given = [keyword(call, "categories", 1)] if name == "Categorical" else call.args[:1] if name == "enumerate" else []
    return any(_classes(training, expr) for expr in given if expr is not None)


def _classes(training: Training, expr: ast.expr) -> bool:
    """Return whether an expression gives the classes in the order of how frequent they are."""
    made = training.values.single(expr) or expr
    return any(isinstance(n, ast.Call) and called(n) in RANKS for n in ast.walk(made))


def _ranked(training: Training, expr: ast.expr, depth: int = 0) -> ast.Call | None:
    """Return the call that put counts in the order of their size, where a value keeps that order."""
    if depth > DEEPEST:
        return None
    if isinstance(expr, ast.Name):
        origins = training.values.origins(expr)
        origin = origins[0] if len(origins) == 1 else None
        plain = origin is not None and not origin.path and not origin.loop and origin.expr is not expr
        return _ranked(training, origin.expr, depth + 1) if origin is not None and plain else None
    if isinstance(expr, ast.BinOp):
        sides = [_ranked(training, side, depth + 1) for side in (expr.left, expr.right)]
        return sides[0] or sides[1]
    if isinstance(expr, ast.Attribute):
        return _ranked(training, expr.value, depth + 1) if expr.attr in METHODS else None
    if isinstance(expr, ast.ListComp):
        plain = len(expr.generators) == 1 and not expr.generators[0].ifs and _of_item(expr)
        return _ranked(training, expr.generators[0].iter, depth + 1) if plain else None
    return _of_call(training, expr, depth) if isinstance(expr, ast.Call) else None


def _of_item(expr: ast.ListComp) -> bool:
    """Return whether a comprehension computes a number of each count, and looks nothing up by its class."""
    if isinstance(expr.elt, ast.Subscript):
        return constant(expr.elt.slice) == 1
    target = expr.generators[0].target
    classes = names_in(target.elts[0]) if isinstance(target, ast.Tuple) else set()
    parts = [n for n in ast.walk(expr.elt) if isinstance(n, (ast.Subscript, ast.Call, ast.Compare))]
    plain = all(isinstance(n, ast.Call) and called(n) in NUMBERS for n in parts)
    return plain and not names_in(expr.elt) & classes


def _of_call(training: Training, call: ast.Call, depth: int) -> ast.Call | None:
    name = called(call)
    if name in RANKS:
        return call if constant(keyword(call, "sort")) is not False else None
    if name == "sorted":
        return call if _by_count(keyword(call, "key")) else None
    if name in WRAPPED and call.args:
        return _ranked(training, call.args[0], depth + 1)
    if name in METHODS and isinstance(call.func, ast.Attribute):
        return _ranked(training, call.func.value, depth + 1)
    return None


def _by_count(key: ast.expr | None) -> bool:
    """Return whether a key takes the second part of a pair, as the count of a class and its count."""
    if isinstance(key, ast.Call):
        return called(key) == "itemgetter" and [constant(a) for a in key.args] == [1]
    body = key.body if isinstance(key, ast.Lambda) else None
    return isinstance(body, ast.Subscript) and constant(body.slice) == 1 and isinstance(body.value, ast.Name)
