"""Conditions that are drawn anew where a net judges what was made for others."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PAIR = 2
CLASSES = frozenset({"randint", "integers", "choice"})


@pattern("first", "second", words=(("randint", "integers(", "choice("), ("backward(",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield calls of a net with what another one made for drawn labels, and with labels of another draw."""
    for call in training.script.calls:
        if len(call.args) != PAIR or not isinstance(call.args[0], ast.Name):
            continue
        made = training.values.single(call.args[0])
        if not isinstance(made, ast.Call) or len(made.args) != PAIR:
            continue
        if called(made) == "detach" or words_of(made.func) == words_of(call.func):
            continue
        own, given = made.args[1], call.args[1]
        if words_of(own) == words_of(given):
            continue
        first, second = _draw(training, own), _draw(training, given)
        if first is not None and second is not None and first is not second and words_of(first) == words_of(second):
            fix = (replaced(training.source, given, words_of(own)),) if isinstance(own, ast.Name) else None
            yield Match(call, {"first": words_of(own), "second": words_of(given)}, made, fix)


def _draw(training: Training, labels: ast.expr) -> ast.Call | None:
    """Return the draw of classes that labels come from."""
    value = labels if isinstance(labels, ast.Call) else training.values.single(labels)
    return value if isinstance(value, ast.Call) and called(value) in CLASSES else None
