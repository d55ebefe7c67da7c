"""Two views that are one: a random change was drawn once and has two names, and a net compares its answers to both."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

CHANGES = re.compile(r"aug|transform|view|crop|jitter|corrupt|perturb|distort|mask", re.IGNORECASE)
# With chance in the net itself, two answers to one view differ.
CHANCE = re.compile(r"dropout|drop_path|Transformer|from_pretrained|stochastic", re.IGNORECASE)
SIDES = 2


@pattern("first", "second", "call", words=(("aug", "transform", "view", "crop", "jitter", "corrupt", "perturb",
                                            "distort", "mask"), ("backward(",)))  # fmt: skip
def views_identical(training: Training) -> Iterator[Match]:
    """Yield where two names are bound to one drawn view, with each of which the same net is then called."""
    for node in training.script.of_type(ast.Assign):
        names, made = _bound(training, node)
        if names is None or not isinstance(made, ast.Call) or not CHANGES.search(called(made)):
            continue
        scope = training.script.scope(node)
        asked = [{ast.unparse(c.func) for c in _calls(scope, name, node.lineno)} for name in names]
        if asked[0] & asked[1] and not CHANCE.search(training.source.text):
            yield Match(node, {"first": names[0], "second": names[1], "call": ast.unparse(made)})


def _bound(training: Training, node: ast.Assign) -> tuple[tuple[str, str] | None, ast.expr | None]:
    """Return two names that a statement lets stand for one thing, and what that is: a = b = f(x), or b = a."""
    targets = [t.id for t in node.targets if isinstance(t, ast.Name)]
    if len(targets) == len(node.targets) == SIDES:
        return (targets[0], targets[1]), node.value
    if len(targets) == 1 and isinstance(node.value, ast.Name):
        return (node.value.id, targets[0]), training.values.single(node.value)
    return None, None


def _calls(scope: ast.AST, name: str, line: int) -> Iterator[ast.Call]:
    """Yield the calls behind a line whose first argument is a name."""
    for call in ast.walk(scope):
        first = call.args[0] if isinstance(call, ast.Call) and call.args else None
        if isinstance(first, ast.Name) and first.id == name and first.lineno > line:
            yield call  # type: ignore[misc]
