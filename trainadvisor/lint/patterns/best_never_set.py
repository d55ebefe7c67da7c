"""A best that begins at nothing and stays there: each round counts as the best and overwrites the best weights."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.best_begun_anew import SAVES, bound_to, is_argument, is_nothing
from trainadvisor.source.syntax import called, is_self
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

BEST = re.compile(r"best|lowest|highest|(^|_|\.)(min|max|top)_", re.IGNORECASE)


@pattern(
    "best",
    "start",
    "figure",
    words=(("best", "max_", "min_", "top_", "lowest", "highest"), ("save", "copy", "dump"), ("<", ">")),
)
def best_never_set(training: Training) -> Iterator[Match]:
    """Yield comparisons with a best that lead to saving, where the best is bound to nothing but its start."""
    for test in training.script.of_type(ast.Compare):
        for best, figure in _sides(test):
            name = ast.unparse(best)
            if not BEST.search(name) or not _goes_round(training, test, best) or not _leads_to_saving(training, test):
                continue
            begun = list(bound_to(training, name))
            alone = len(begun) == 1 and is_nothing(begun[0][1]) and not is_argument(training, name)
            if alone and not _is_set_elsewhere(training, best):
                values = {"best": name, "start": ast.unparse(begun[0][1]), "figure": ast.unparse(figure)}  # type: ignore[arg-type]
                yield Match(test, values, begun[0][0])


def _sides(test: ast.Compare) -> Iterator[tuple[ast.Name | ast.Attribute, ast.expr]]:
    """Yield what may be the best of a comparison, with what is compared with it."""
    if len(test.ops) == 1 and isinstance(test.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        sides = (test.left, test.comparators[0])
        for best, figure in (sides, sides[::-1]):
            if isinstance(best, (ast.Name, ast.Attribute)) and not isinstance(figure, ast.Constant):
                yield best, figure


def _goes_round(training: Training, test: ast.Compare, best: ast.expr) -> bool:
    """Return whether a comparison is made in each round: in a loop, or by a method of an object that keeps the best."""
    function = training.script.function_of(test)
    method = is_self(getattr(best, "value", best)) and function is not None and function.name != "__init__"
    return bool(training.script.loops(test)) or method


def _leads_to_saving(training: Training, test: ast.Compare) -> bool:
    """Return whether something is saved where a comparison holds: in its branch, or by a name that keeps the answer."""
    statement = training.script.statement(test)
    if isinstance(statement, ast.If):
        return statement.test is test and _saves(statement.body)
    if not isinstance(statement, ast.Assign) or statement.value is not test:
        return False
    flag = names_in(statement.targets[0])
    scope = training.script.function_of(test) or training.script.tree
    return any(
        (isinstance(n, ast.If) and names_in(n.test) == flag and _saves(n.body))
        or (isinstance(n, ast.Call) and SAVES.search(called(n)) and flag & {m for a in n.args for m in names_in(a)})
        for n in ast.walk(scope)
    )


def _saves(body: list[ast.stmt]) -> bool:
    return any(isinstance(n, ast.Call) and SAVES.search(called(n)) for s in body for n in ast.walk(s))


def _is_set_elsewhere(training: Training, best: ast.expr) -> bool:
    """Return whether an attribute of that name is set of another object, or a name is shared between functions."""
    if isinstance(best, ast.Attribute):
        stored = [n for n in training.script.of_type(ast.Attribute) if isinstance(n.ctx, ast.Store)]
        return sum(n.attr == best.attr for n in stored) > 1
    return any(best.id in n.names for n in training.script.of_type(ast.Global, ast.Nonlocal))  # type: ignore[attr-defined]
