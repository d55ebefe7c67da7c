"""Examples and labels split at random one after the other, each in an order of its own."""

from __future__ import annotations

import ast
from itertools import combinations
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import of_a_pair, seeded, used_together
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import constant, keyword
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

TWO = 2


@pattern("first", "second", words=(("train_test_split(",),))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield two splits of one array each, of which one holds labels, that draw two orders and are used as pairs."""
    split = [
        entry for call in training.script.calls_by_name.get("train_test_split", []) for entry in _split(training, call)
    ]
    for one, other in combinations(split, 2):
        scope = training.script.scope(one)
        if scope is not training.script.scope(other) or _is_one_order(training, one.value, other.value):
            continue
        names = [ast.unparse(s.targets[0].elts[0]) for s in (one, other)]  # type: ignore[attr-defined]
        arrays = [ast.unparse(s.value.args[0]) for s in (one, other)]  # type: ignore[attr-defined]
        paired = used_together(scope, names[0], names[1], other.end_lineno or 0) or _are_compared(training, *names)
        if of_a_pair(*arrays) and paired:
            yield Match(other, {"first": ast.unparse(one), "second": ast.unparse(other)}, one)


def _split(training: Training, call: ast.Call) -> Iterator[ast.Assign]:
    """Yield the statement that takes the two parts of one array apart."""
    statement = training.script.statement(call)
    if isinstance(statement, ast.Assign) and statement.value is call and len(call.args) == 1:
        target = statement.targets[0]
        shuffles = constant(keyword(call, "shuffle")) is not False
        if shuffles and isinstance(target, ast.Tuple) and len(target.elts) == TWO:
            yield statement


def _is_one_order(training: Training, one: ast.expr, other: ast.expr) -> bool:
    """Return whether both splits begin at one seed, given to each of them or set before each."""
    seeds = [keyword(call, "random_state") for call in (one, other) if isinstance(call, ast.Call)]
    given = [ast.unparse(seed) for seed in seeds if seed is not None and ast.unparse(seed) != "None"]
    if len(given) == TWO:
        return given[0] == given[1]
    return not given and seeded(n for n in training.script.nodes if one.lineno < getattr(n, "lineno", 0) < other.lineno)


def _are_compared(training: Training, one: str, other: str) -> bool:
    """Return whether a loss compares what is made of one with the other."""
    for loss in training.losses:
        made = training.values.single(loss.input)
        sides = [names_in(side) if side is not None else set() for side in (made or loss.input, loss.target)]
        if (one in sides[0] and other in sides[1]) or (other in sides[0] and one in sides[1]):
            return True
    return False
