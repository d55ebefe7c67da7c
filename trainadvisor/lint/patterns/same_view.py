"""Two views of an example that are one: a module called twice with the same input, and both answers compared."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.settled_nets import is_settled
from trainadvisor.source.syntax import called, is_open
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Functions of torch that compare two answers; the others put them together or choose from them.
COMPARES = ("torch.nn.", "torch.dist", "torch.cdist", "torch.cosine_similarity")
# Calls that look whether two answers are the same, or show them.
LOOKS = frozenset({"allclose", "equal", "isclose", "assert_close", "assertTrue", "print"})
MODEL = re.compile(r"(net|model|encoder|backbone|network|student)\w*$|\benc$", re.IGNORECASE)


@pattern("first", "second", "call", words=(("backward(",),))
def views_identical(training: Training) -> Iterator[Match]:
    """Yield the second of two names for the same call, both of which one other call is given."""
    for node in training.script.of_type(ast.Assign):
        once = _at_once(node)
        if not _is_of_net(training, node):
            continue
        if once is not None and _compared(training, node, *once[:2]):
            yield Match(node, dict(zip(("first", "second", "call"), once, strict=True)))
        block = training.block(node) or []
        for other in block[block.index(node) + 1 :] if node in block else []:
            if not _same(node, other) or not isinstance(other, ast.Assign):
                continue
            between = block[block.index(node) + 1 : block.index(other)]
            first, second = (ast.unparse(statement.targets[0]) for statement in (node, other))
            if not _changed(training, node, between) and _compared(training, other, first, second):
                yield Match(other, {"first": first, "second": second, "call": ast.unparse(node.value)}, node)


def _is_of_net(training: Training, node: ast.Assign) -> bool:
    """Return whether an assignment calls a net, once or twice, that answers the same input alike."""
    value = node.value.elts[0] if isinstance(node.value, ast.Tuple) and node.value.elts else node.value
    named = isinstance(value, ast.Call) and MODEL.search(ast.unparse(value.func)) is not None
    return named and isinstance(value, ast.Call) and is_settled(training, value.func)


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


def _changed(training: Training, node: ast.Assign, between: list[ast.stmt]) -> bool:
    """Return whether a statement between two calls can change the net, its input or what it reads."""
    read = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
    read |= {n.id for owner in training.module_classes for n in ast.walk(owner) if isinstance(n, ast.Name)}
    for statement in between:
        if not isinstance(statement, ast.Assign) or not all(isinstance(t, ast.Name) for t in statement.targets):
            return True
        if any(target.id in read for target in statement.targets if isinstance(target, ast.Name)):
            return True
        calls = [n for n in ast.walk(statement.value) if isinstance(n, ast.Call)]
        if not all(
            training.script.full(c.func).startswith("torch.nn.") or _is_of_net_or_part(training, c) for c in calls
        ):
            return True
    return False


def _is_of_net_or_part(training: Training, call: ast.Call) -> bool:
    """Return whether a call is one of a net that sets nothing, or cuts a value off its graph."""
    return is_settled(training, call.func) or (called(call) in ("detach", "clone") and not call.args)


def _compared(training: Training, other: ast.Assign, first: str, second: str) -> bool:
    """Return whether one call is given both names as they are, and backward() is called on what it returns."""
    scope = training.script.scope(other)
    for node in training.script.inside(scope):
        if not isinstance(node, ast.Call) or node.lineno <= other.lineno or called(node) in LOOKS:
            continue
        full = training.script.full(node.func)
        given = [ast.unparse(a) for a in node.args]
        if first in given and second in given and (full.startswith(COMPARES) or not full.startswith("torch.")):
            return _is_learned(training, scope, node)
    return False


def _is_learned(training: Training, scope: ast.AST, loss: ast.Call) -> bool:
    """Return whether a loss is a part of what backward() is called on in its scope, itself or under other names."""
    nodes, held = list(training.script.inside(scope)), set[str]()
    assigned = [n for n in nodes if isinstance(n, (ast.Assign, ast.AugAssign)) and n.lineno >= loss.lineno]
    for node in sorted(assigned, key=lambda n: n.lineno):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        inner = set(ast.walk(node.value))
        if loss in inner or held & names_in(node.value):
            held |= names_in(target)
    backwards = [n for n in nodes if n in training.backward_set]
    return any(loss in set(ast.walk(n)) or held & names_in(n) for n in backwards)
