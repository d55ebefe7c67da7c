"""Arguments that a call gives under each other's names."""

from __future__ import annotations

import ast
from itertools import combinations
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("first", "second", "taken", words=(("def forward(self",), ("backward(",)))
def arguments_crossed(training: Training) -> Iterator[Match]:
    """Yield calls of a module that give two arguments in each other's place, where none gives them in their own."""
    for owner in training.module_classes:
        forward = next((n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name == "forward"), None)
        names = [a.arg for a in forward.args.args[1:]] if forward is not None else []
        calls = [c for c in training.script.calls if _is_of(training, c, owner)]
        given = [[a.id if isinstance(a, ast.Name) else "" for a in call.args] for call in calls]
        for one, other in combinations(range(len(names)), 2):
            crossed = [
                c for c, g in zip(calls, given, strict=True) if _pair(g, one, other) == (names[other], names[one])
            ]
            straight = any(_pair(g, one, other) == (names[one], names[other]) for g in given)
            for call in [] if straight else crossed:
                left, right = call.args[one], call.args[other]
                fix = (replaced(training.source, left, names[one]), replaced(training.source, right, names[other]))
                yield Match(call, {"first": names[one], "second": names[other], "taken": names[other]}, forward, fix)


def _is_of(training: Training, call: ast.Call, owner: ast.ClassDef) -> bool:
    """Return whether a call is one of an object of a class."""
    if not isinstance(call.func, (ast.Name, ast.Attribute)) or call.keywords:
        return False
    made = training.made(call.func)
    return made is not None and called(made) == owner.name


def _pair(given: list[str], one: int, other: int) -> tuple[str, str]:
    return (given[one], given[other]) if other < len(given) else ("", "")
