"""A batch of which one part is put in the order of another's lengths by an index, and the labels are not."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.pairs_sorted import parts_of
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

Function = ast.FunctionDef | ast.AsyncFunctionDef
BOTH = 2


@pattern("first", "second", words=(("sort(",), (" for ",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield where a function returns one part of its examples in the order of a sort, and another as it came."""
    for function in training.script.functions:
        orders = set(orders_of(function))
        returns = [n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
        if not orders or len(returns) != 1 or not isinstance(returns[0].value, (ast.Tuple, ast.Dict)):
            continue
        given = returns[0].value
        values = list(given.elts if isinstance(given, ast.Tuple) else given.values)
        indexed = [n for n in ast.walk(function) if isinstance(n, ast.Subscript) and names_in(n.slice) & orders]
        moved = {name for n in indexed for name in names_in(n.value)}
        if any(isinstance(v, ast.Name) and v.id in orders for v in values) or not indexed:
            continue  # with the order at hand, the caller can put the rest in it
        for argument in function.args.args:
            if _times_bound(function, argument.arg):
                continue  # the examples themselves were put in order
            places = dict(parts_of(function, argument.arg))
            kept = [v for v in values if isinstance(v, ast.Name) and v.id in places and v.id not in moved]
            sorted_places = {places[name] for name in moved if name in places}
            for value in kept:
                if sorted_places and places[value.id] not in sorted_places and _times_bound(function, value.id) == 1:
                    yield Match(indexed[0], {"first": ast.unparse(indexed[0]), "second": value.id}, value)


def orders_of(function: Function) -> Iterator[str]:
    """Yield the names that are bound to the order of a sort."""
    for node in ast.walk(function):
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        value = node.value if isinstance(node, ast.Assign) else None
        if not isinstance(value, ast.Call):
            continue
        if called(value) == "sort" and isinstance(target, ast.Tuple) and len(target.elts) == BOTH:
            yield ast.unparse(target.elts[1])
        if called(value) == "argsort" and isinstance(target, ast.Name):
            yield target.id


def _times_bound(function: Function, name: str) -> int:
    """Return how often a function binds a name."""
    return sum(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in ast.walk(function))
