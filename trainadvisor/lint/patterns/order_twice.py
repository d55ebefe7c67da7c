"""What was computed of sorted examples, put into the sorting order once more instead of back into the old one."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.pairs_reordered import orders_of
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("first", "second", words=(("sort(",), ("[",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield an answer to sorted examples that is indexed by the order of the sort, as they were."""
    for function in training.script.functions:
        bound = training.script.bindings(function)
        for order in orders_of(function):
            if len(bound.get(order, [])) != 1:
                continue
            held: dict[str, bool] = {}
            places = _indexed(function, order)
            for node in sorted(_statements(function), key=lambda n: n.lineno):
                inside = set(ast.walk(node))
                for indexed in (n for n in places if n in inside):
                    if any(held.get(name) for name in names_in(indexed.value)):
                        values = {"first": ast.unparse(places[0]), "second": ast.unparse(indexed)}
                        fix = (replaced(training.source, indexed.slice, f"{order}.argsort()"),)
                        yield Match(indexed, values, places[0], fix)
                _follow(training, held, node, order)


def _statements(function: ast.AST) -> list[ast.Assign | ast.Return]:
    return [n for n in ast.walk(function) if isinstance(n, (ast.Assign, ast.Return)) and n.value is not None]


def _indexed(node: ast.AST, order: str) -> list[ast.Subscript]:
    """Return where something is indexed by an order, in the order of the text."""
    found = [n for n in ast.walk(node) if isinstance(n, ast.Subscript) and ast.unparse(n.slice) == order]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def _follow(training: Training, held: dict[str, bool], node: ast.Assign | ast.Return, order: str) -> None:
    """Note the names that are bound to something in the sorted order: true for answers of a layer, false for inputs."""
    if not isinstance(node, ast.Assign) or node.value is None:
        return
    direct = bool(_indexed(node.value, order))
    through = names_in(node.value) & held.keys()
    answer = any(held[name] for name in through) or any(_asks(training, n, held, order) for n in ast.walk(node.value))
    for target in node.targets:
        for name in names_in(target):
            held.pop(name, None)
            if direct or through:
                held[name] = answer


def _asks(training: Training, node: ast.AST, held: dict[str, bool], order: str) -> bool:
    """Return whether a node calls a module with what is in the sorted order."""
    if not isinstance(node, ast.Call) or training.script.full(node.func).startswith("torch.nn.utils"):
        return False
    given = [n for a in node.args for n in ast.walk(a)]
    sorted_ = any(_indexed(n, order) or (isinstance(n, ast.Name) and n.id in held) for n in given)
    return sorted_ and any(m is not None for m in training.operations.modules(node.func)) and called(node) != "sort"
