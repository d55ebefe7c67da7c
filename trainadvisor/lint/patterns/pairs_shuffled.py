"""Examples and labels shuffled one after the other, each in an order of its own."""

from __future__ import annotations

import ast
from itertools import combinations
from typing import TYPE_CHECKING

from trainadvisor.lint.order import statements_between
from trainadvisor.lint.pairing import are_arguments, of_a_pair, seeded, used_together
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import is_draw, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ORDERS = frozenset({"randperm", "permutation"})


@pattern("first", "second", words=(("shuffle(", "randperm(", "permutation("),))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield where examples and labels of one block are put in two orders, and used as pairs behind that."""
    for block in _blocks(training):
        moved = [entry for statement in block for entry in _moved(training, statement)]
        for one, other in combinations(moved, 2):
            if _are_apart(training, block, one, other):
                yield Match(other.node, {"first": one.text, "second": other.text}, one.node)
                break


class _Moved:
    """Something put in a random order: what, its name behind that, the draw that gives the order."""

    def __init__(self, node: ast.stmt, what: str, name: str, draw: ast.Call) -> None:
        self.node, self.what, self.name, self.draw = node, what, name, draw

    @property
    def text(self) -> str:
        """Return the statement as one line."""
        return ast.unparse(self.node)

    @property
    def owner(self) -> str:
        """Return the source of the random numbers."""
        return ast.unparse(self.draw.func)


def _blocks(training: Training) -> Iterator[list[ast.stmt]]:
    for node in training.script.nodes:
        for name in ("body", "orelse"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _moved(training: Training, statement: ast.stmt) -> Iterator[_Moved]:
    """Yield what a statement shuffles in place, or binds to a permutation of something."""
    value = statement.value if isinstance(statement, (ast.Expr, ast.Assign)) else None
    if isinstance(statement, ast.Expr) and isinstance(value, ast.Call) and called(value) == "shuffle":
        if len(value.args) == 1 and not value.keywords and isinstance(value.func, ast.Attribute):
            yield _Moved(statement, ast.unparse(value.args[0]), ast.unparse(value.args[0]), value)
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1 and value is not None:
        target = ast.unparse(statement.targets[0])
        draw = _order(training, value.slice) if isinstance(value, ast.Subscript) else None
        if draw is not None and isinstance(value, ast.Subscript):
            yield _Moved(statement, ast.unparse(value.value), target, draw)
        elif isinstance(value, ast.Call) and called(value) == "permutation" and is_draw(training, value):
            own = bool(value.args) and ast.unparse(value.args[0]) == target
            yield from [_Moved(statement, target, target, value)] if own else []


def _order(training: Training, index: ast.expr) -> ast.Call | None:
    """Return the call that drew a permutation which something is indexed with, whole."""
    made = training.values.single(index) if isinstance(index, ast.Name) else index
    known = isinstance(made, ast.Call) and called(made) in ORDERS and is_draw(training, made)
    return made if known and isinstance(made, ast.Call) and not made.keywords else None


def _are_apart(training: Training, block: list[ast.stmt], one: _Moved, other: _Moved) -> bool:
    """Return whether two things that belong together have orders of their own."""
    if one.draw is other.draw or one.node is other.node or not of_a_pair(one.what, other.what):
        return False
    if one.owner != other.owner or isinstance(getattr(one.draw.func, "value", None), ast.Call):
        return False
    if seeded(statements_between(block, one.node, other.node)) or _also_joint(training, one, other):
        return False
    scope = training.script.scope(one.node)
    in_place = (
        one.name == one.what and other.name == other.what and are_arguments(training, one.node, one.name, other.name)
    )
    return in_place or used_together(scope, one.name, other.name, other.node.end_lineno or 0)


def _also_joint(training: Training, one: _Moved, other: _Moved) -> bool:
    """Return whether what was permuted is also used as it was: pairs beside pairs of chance."""
    scope, last = training.script.scope(one.node), other.node.end_lineno or 0
    for entry in (one, other):
        if entry.name != entry.what and entry.what.isidentifier():
            behind = [n for n in reads(scope, entry.what) if n.lineno > last]
            calls = [training.script.parents.get(n) for n in behind]
            if any(not (isinstance(c, ast.Call) and called(c) == "len") for c in calls):
                return True
    return False
