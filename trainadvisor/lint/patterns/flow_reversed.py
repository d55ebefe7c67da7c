"""A flow that is taught to run the one way and followed the other way where samples are made."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, last_name
from trainadvisor.source.uses import is_backward, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

DEEPEST = 8
ONE = (1, 1.0)


@pattern("target", "path", "step", words=(("randn",), ("1 -", "1.0 -", "1. -", "1-"), ("range(", "linspace("),
                                         (".rand(", "rand_like", "uniform", "Beta(")))  # fmt: skip
def flow_reversed(training: Training) -> Iterator[Match]:
    """Yield differences of the ends of a path that point against the way in which samples are made."""
    steps = [step for loop in training.script.of_type(ast.For) for step in _steps(training, loop)]
    if len({way for _, way in steps}) != 1:
        return
    step, way = steps[0]
    for path in training.script.of_type(ast.BinOp):
        ends = _ends(path)
        inside = list(training.script.inside(training.script.scope(path))) if ends else []
        found = [(node, sign) for node in inside if (sign := _derivative(node, ends)) is not None]
        if len({sign for _, sign in found}) == 1 and found[0][1] != way:
            target = found[0][0]
            yield Match(
                target, {"target": ast.unparse(target), "path": ast.unparse(path), "step": ast.unparse(step)}, step
            )


def _ends(path: ast.expr) -> tuple[str, str] | None:
    """Return start and end of (1 - t) * start + t * end, in any order."""
    if not isinstance(path, ast.BinOp) or not isinstance(path.op, ast.Add):
        return None
    for one, other in ((path.left, path.right), (path.right, path.left)):
        for rest, start in _factors(one):
            for time, end in _factors(other):
                minus = isinstance(rest, ast.BinOp) and isinstance(rest.op, ast.Sub) and constant(rest.left) in ONE
                if minus and ast.unparse(rest.right) == ast.unparse(time) and _are_names(start, end):  # type: ignore[attr-defined]
                    return ast.unparse(start), ast.unparse(end)
    return None


def _factors(node: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield node.left, node.right
        yield node.right, node.left


def _are_names(*nodes: ast.expr) -> bool:
    return all(isinstance(node, ast.Name) for node in nodes)


def _derivative(node: ast.AST, ends: tuple[str, str] | None) -> int | None:
    """Return 1 for end - start, -1 for start - end, None for anything else."""
    if ends is None or not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return None
    return {ends[::-1]: 1, ends: -1}.get((ast.unparse(node.left), ast.unparse(node.right)))


def _steps(training: Training, loop: ast.For) -> Iterator[tuple[ast.stmt, int]]:
    """Yield statements x = x + net(x, t) * dt of a loop, with 1 where x moves as t does and -1 where against it."""
    for node in ast.walk(loop):
        moved = _moved(node)
        if moved is None:
            continue
        name, change, sign = moved
        velocity = _velocity(training, change)
        if velocity is None or name not in {n for a in velocity.args for n in names_in(a)}:
            continue
        times = [t for a in velocity.args if (t := _way(training, a, loop)) is not None]
        if len(times) == 1:
            yield node, sign * times[0]  # type: ignore[misc]


def _moved(node: ast.AST) -> tuple[str, ast.expr, int] | None:
    """Return the name that a statement moves, by what and with which sign."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        sign = 1 if isinstance(node.op, ast.Add) else -1 if isinstance(node.op, ast.Sub) else 0
        return (node.target.id, node.value, sign) if sign else None
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.targets[0], ast.Name):
        name, value = node.targets[0].id, node.value
        if isinstance(value.op, (ast.Add, ast.Sub)) and last_name(value.left) == name:
            return name, value.right, 1 if isinstance(value.op, ast.Add) else -1
    return None


def _velocity(training: Training, change: ast.expr) -> ast.Call | None:
    """Return the call of the net in net(x, t) * dt and net(x, t) / steps, of a dt above 0."""
    if not isinstance(change, ast.BinOp) or not isinstance(change.op, (ast.Mult, ast.Div)):
        return None
    sides = [(change.left, change.right)]
    sides += [(change.right, change.left)] if isinstance(change.op, ast.Mult) else []
    for net, width in sides:
        made = training.values.single(net) if isinstance(net, ast.Name) else net
        if isinstance(made, ast.Call) and len(made.args) > 1 and _is_width(training, width):
            return made
    return None


def _is_width(training: Training, width: ast.expr) -> bool:
    """Return whether a width is a number above 0, a count, or 1 by a count."""
    made = training.values.single(width) if isinstance(width, (ast.Name, ast.Attribute)) else width
    made = width if made is None else made
    number = constant(made)
    if isinstance(number, (int, float)):
        return number > 0
    if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Div):
        return constant(made.left) in ONE
    return isinstance(made, (ast.Name, ast.Attribute)) and "step" in last_name(made).lower()


def _way(training: Training, time: ast.expr, loop: ast.For, depth: int = 0) -> int | None:
    """Return whether a time rises (1) or falls (-1) from round to round; None where it is no time or not seen."""
    way: int | None = None
    if isinstance(time, ast.Name) and depth < DEEPEST:
        way = _of_name(training, time, loop, depth)
    elif isinstance(time, ast.BinOp) and depth < DEEPEST:
        way = _of_sides(training, time, loop, depth)
    elif isinstance(time, ast.Call) and depth < DEEPEST:
        inner = [*time.args, *(k.value for k in time.keywords)]
        inner += [time.func.value] if isinstance(time.func, ast.Attribute) else []
        ways = [w for node in inner if (w := _way(training, node, loop, depth + 1)) is not None]
        way = ways[0] if len(ways) == 1 else None
    elif isinstance(time, ast.Subscript) and depth < DEEPEST:
        index, times = _way(training, time.slice, loop, depth + 1), training.values.single(time.value)
        spread = _order(times) if times is not None else None
        way = None if index is None or spread is None else index * spread
    return way


def _of_name(training: Training, time: ast.Name, loop: ast.For, depth: int) -> int | None:
    if time.id in names_in(loop.target):
        return _order(loop.iter) if isinstance(loop.target, ast.Name) else None
    made = training.values.single(time)
    return None if made is None or made is time else _way(training, made, loop, depth + 1)


def _of_sides(training: Training, time: ast.BinOp, loop: ast.For, depth: int) -> int | None:
    """Return the way of the one side that changes, turned where it is taken off or divided by."""
    left, right = (_way(training, side, loop, depth + 1) for side in (time.left, time.right))
    if left is not None and right is not None:
        return None
    if right is not None and isinstance(time.op, (ast.Sub, ast.Div)):
        return -right
    return right if left is None else left


def _order(over: ast.expr) -> int | None:
    """Return whether the values of a range or a linspace rise or fall."""
    if is_backward(over):
        inner = over.args[0] if isinstance(over, ast.Call) and over.args and called(over) == "reversed" else None
        return -1 if inner is None or _order(inner) == 1 else None
    if isinstance(over, ast.Call) and called(over) == "range":
        return 1
    if isinstance(over, ast.Call) and called(over) in ("tqdm", "trange") and over.args:
        return 1 if called(over) == "trange" else _order(over.args[0])
    if isinstance(over, ast.Call) and called(over) == "linspace" and len(over.args) > 1:
        first, last = constant(over.args[0]), constant(over.args[1])
        known = isinstance(first, (int, float)) and isinstance(last, (int, float)) and first != last
        return (1 if last > first else -1) if known else None  # type: ignore[operator]
    return None
