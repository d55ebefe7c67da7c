"""A text that is cut into rows side by side where it was to go down the columns: each step skips a whole row."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

TURNS = frozenset({"t", "transpose", "permute", "T", "mT", "swapaxes"})
BOTH = 2


@pattern("call", "right", words=(("view(", "reshape("), ("//",), ("+ 1",)))
def scrambled_axes(training: Training) -> Iterator[Match]:
    """Yield views (steps, batch) of a series cut to a multiple of the batch, whose rows are read as steps in time."""
    for call in training.script.calls:
        if (
            called(call) not in ("view", "reshape")
            or len(call.args) != BOTH
            or not isinstance(call.func, ast.Attribute)
        ):
            continue
        array, (steps, batch) = call.func.value, call.args
        counted = _counted(training, steps, batch, array)
        if counted and not _is_turned(training, call) and _is_read_in_time(training, call):
            right = f"{ast.unparse(array)}.{called(call)}({ast.unparse(batch)}, -1).t()"
            yield Match(
                call, {"call": ast.unparse(call), "right": right}, fix=(replaced(training.source, call, right),)
            )


def _counted(training: Training, steps: ast.expr, batch: ast.expr, array: ast.expr) -> bool:
    """Return whether the first size is -1 or the length of the array by the second: n = len(data) // batch."""
    if constant(batch) == -1:
        return False
    if constant(steps) != -1:
        counted = training.values.single(steps) or steps
        is_quotient = isinstance(counted, ast.BinOp) and isinstance(counted.op, ast.FloorDiv)
        return is_quotient and ast.unparse(counted).endswith(f"// {ast.unparse(batch)}")
    scope = training.script.function_of(array) or training.script.tree
    quotients = [n for n in ast.walk(scope) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.FloorDiv)]
    return any(ast.unparse(n.right) == ast.unparse(batch) for n in quotients)


def _is_turned(training: Training, call: ast.Call) -> bool:
    """Return whether the axes are exchanged, at once or anywhere in the script."""
    parents = list(training.script.ancestors(call))[:4]
    here = any(isinstance(n, ast.Attribute) and n.attr in TURNS for n in parents)
    target = getattr(training.script.statement(call), "targets", None)
    name = ast.unparse(target[0]) if target else ""
    moved = (n for n in training.script.of_type(ast.Attribute) if n.attr in TURNS)
    return here or any(bool(name) and ast.unparse(n.value) == name for n in moved)


def _is_read_in_time(training: Training, call: ast.Call) -> bool:
    """Return whether what the view gives is read as rows i:i + n and, for the target, rows one step later."""
    names = set(_names(training, call))
    slices = [n for n in training.script.of_type(ast.Subscript) if isinstance(n.slice, ast.Slice) and n.slice.lower]
    rows = [n for n in slices if isinstance(n.value, ast.Name) and _means(training, n.value, names)]
    starts = {ast.unparse(n.slice.lower) for n in rows}  # type: ignore[attr-defined]
    return any(f"{start} + 1" in starts or f"1 + {start}" in starts for start in starts)


def _names(training: Training, call: ast.Call) -> Iterator[str]:
    """Yield the names that hold a view: where it is bound, or where its function is called."""
    function = training.script.function_of(call)
    statements = [training.script.statement(call)]
    returned = isinstance(statements[0], ast.Return) or _is_returned(function, statements[0])
    if function is not None and returned:
        statements += [training.script.statement(c) for c in training.script.callers(function)]
    for statement in statements:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))


def _is_returned(function: ast.AST | None, statement: ast.stmt | None) -> bool:
    bound = {ast.unparse(t) for t in statement.targets} if isinstance(statement, ast.Assign) else set()
    returns = [n.value for n in ast.walk(function) if isinstance(n, ast.Return)] if function is not None else []
    held = {n.id for value in returns if value is not None for n in ast.walk(value) if isinstance(n, ast.Name)}
    return bool(bound & held)


def _means(training: Training, name: ast.Name, names: set[str]) -> bool:
    """Return whether a name is one of some, or an argument that is given one of them."""
    function = training.script.function_of(name)
    if function is None or name.id not in {a.arg for a in function.args.args}:
        return name.id in names
    given = training.script.given(function, name.id)
    return any(isinstance(value, ast.Name) and value.id in names for value in given)
