"""Rollouts over several episodes whose ends are kept for each step, and read by no return or advantage."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.episode_ends import END, never_ends
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.terminal_not_masked import CUT, REWARD, sides_of_target
from trainadvisor.source.uses import is_backward, names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

COMPUTING = (ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Compare, ast.Subscript)


@pattern("end", "target", words=((".append(",), ("reversed(", "::-1", "-1, -1"), ("gamma", "GAMMA", "discount", "0.9")))
def terminal_not_masked(training: Training) -> Iterator[Match]:
    """Yield sums that go back through a rollout, where all that is kept of the ends of its episodes is never read."""
    if never_ends(training):
        return
    for loop in (n for n in training.script.of_type(ast.For) if is_backward(n.iter)):
        target = next((n for n in ast.walk(loop) if _goes_on(n)), None)
        scope = training.script.scope(loop)
        kept = list(_kept(scope))
        if target is None or not kept or _chooses(loop):
            continue
        if all(isinstance(n, ast.Name) and not _is_read(scope, n.id) and not _cut(training, c) for c, n in kept):
            yield Match(target, {"end": ast.unparse(kept[0][1]), "target": ast.unparse(target)}, kept[0][0])


def _goes_on(node: ast.AST) -> bool:
    """Return whether a node adds a discounted value to a reward."""
    sides = sides_of_target(node)
    return sides is not None and any(map(REWARD.fullmatch, names_in(sides[0])))


def _kept(scope: ast.AST) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Yield what keeps something of the end of an episode for each step, and where it is kept."""
    for call in (n for n in ast.walk(scope) if isinstance(n, ast.Call) and len(n.args) == 1):
        named = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "append" else None
        if named is not None and any(END.fullmatch(n) for n in names_in(call.args[0])):
            yield call, named


def _chooses(loop: ast.For) -> bool:
    """Return whether a loop asks at a step for something that is kept."""
    tests = [n.test for n in ast.walk(loop) if isinstance(n, (ast.If, ast.IfExp))]
    return any(isinstance(n, ast.Subscript) for test in tests for n in ast.walk(test)) or any(
        isinstance(op, (ast.In, ast.NotIn))
        for t in tests
        for n in ast.walk(t)
        if isinstance(n, ast.Compare)
        for op in n.ops
    )


def _cut(training: Training, kept: ast.Call) -> bool:
    """Return whether a rollout stops at the end of an episode, or the end is one by a limit of time."""
    if CUT.search(ast.unparse(kept)):
        return True
    for loop in training.script.loops(kept):
        tests = [
            n.test for n in ast.walk(loop) if isinstance(n, ast.If) and any(isinstance(s, ast.Break) for s in n.body)
        ]
        tests += [loop.test] if isinstance(loop, ast.While) else []
        if any(END.fullmatch(n) for test in tests for n in names_in(test)):
            return True
    return False


def _is_read(scope: ast.AST, name: str) -> bool:
    """Return whether what a name holds is used: more than appended to, or bound to names that are not used either."""
    waiting, seen = [name], set[str]()
    while waiting:
        current = waiting.pop()
        seen.add(current)
        bound: set[ast.AST] = set()
        for node in ast.walk(scope):
            if isinstance(node, ast.Attribute) and node.attr in ("append", "clear"):
                bound.add(node.value)
            elif isinstance(node, ast.Assign):
                for target, value in _pairs(node):
                    computed = any(isinstance(n, COMPUTING) for n in ast.walk(value))
                    if isinstance(target, ast.Name) and current in names_in(value) and not computed:
                        bound |= set(ast.walk(value))
                        waiting += [target.id] if target.id not in seen else []
        if any(read not in bound for read in reads(scope, current)):
            return True
    return False


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the targets of an assignment, each with its value."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        yield from zip(target.elts, value.elts, strict=True)
    else:
        yield target, value
