"""Two views of an example that are one: a module called twice with the same input, and both answers compared."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, is_open

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What can make two passes of one input differ inside of a model.
CHANCE = re.compile(r"dropout|from_pretrained|drop_path|noise|stochastic", re.IGNORECASE)
# Calls that look whether two answers are the same, or show them.
LOOKS = frozenset({"allclose", "equal", "isclose", "assert_close", "assertTrue", "print"})
MODEL = re.compile(r"(net|model|encoder|backbone|network|student)\w*$|\benc$", re.IGNORECASE)


@pattern("first", "second", "call", words=(("backward(",),))
def views_identical(training: Training) -> Iterator[Match]:
    """Yield the second of two names for the same call, both of which one other call is given."""
    if CHANCE.search(training.source.text) or _draws_inside(training):
        return
    for node in training.script.of_type(ast.Assign):
        once = _at_once(node)
        if once is not None and _compared(training, node, *once[:2]):
            yield Match(node, dict(zip(("first", "second", "call"), once, strict=True)))
        block = training.block(node) or []
        for other in block[block.index(node) + 1 :] if node in block else []:
            if not _same(node, other) or not isinstance(other, ast.Assign):
                continue
            between = block[block.index(node) + 1 : block.index(other)]
            first, second = (ast.unparse(statement.targets[0]) for statement in (node, other))
            if not _changed(node, between) and _compared(training, other, first, second):
                yield Match(other, {"first": first, "second": second, "call": ast.unparse(node.value)}, node)


def _draws_inside(training: Training) -> bool:
    """Return whether a module of the script draws random numbers."""
    owners = training.module_classes
    return any("rand" in n.attr for owner in owners for n in ast.walk(owner) if isinstance(n, ast.Attribute))


def _at_once(node: ast.Assign) -> tuple[str, str, str] | None:
    """Return the two names that one statement binds to the same call of a model, and the call."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=[one, two])], value=ast.Tuple(elts=[first, second])):
            if _same(ast.Assign([one], first), ast.Assign([two], second)):
                return ast.unparse(one), ast.unparse(two), ast.unparse(first)
    return None


def _same(node: ast.Assign, other: ast.stmt) -> bool:
    """Return whether two statements bind two names to the same call of a model."""
    if not isinstance(other, ast.Assign) or len(node.targets) != 1 or len(other.targets) != 1:
        return False
    call, names = node.value, (node.targets[0], other.targets[0])
    if not isinstance(call, ast.Call) or not call.args or is_open(call):
        return False
    if any(isinstance(n, ast.Call) for part in (*call.args, *call.keywords) for n in ast.walk(part)):
        return False  # an augmentation draws anew in each call
    if MODEL.search(ast.unparse(call.func)) is None or called(call)[:1].isupper():  # a class makes two modules
        return False
    named = all(isinstance(name, ast.Name) for name in names) and ast.unparse(names[0]) != ast.unparse(names[1])
    return named and ast.unparse(other.value) == ast.unparse(call)


def _changed(node: ast.Assign, between: list[ast.stmt]) -> bool:
    """Return whether a statement between two calls can change the model or its input: it binds a name, or steps."""
    read = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
    inner = [n for statement in between for n in ast.walk(statement)]
    bound = {n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    calls = any(isinstance(statement, ast.Expr) for statement in between)
    return bool(read & bound) or calls


def _compared(training: Training, other: ast.Assign, first: str, second: str) -> bool:
    """Return whether one call is given both names as they are."""
    scope = training.script.scope(other)
    for node in training.script.inside(scope):
        compares = isinstance(node, ast.Call) and called(node) not in LOOKS
        given = [ast.unparse(a) for a in node.args] if isinstance(node, ast.Call) and compares else []
        if first in given and second in given and getattr(node, "lineno", 0) > other.lineno:
            return True
    return False
