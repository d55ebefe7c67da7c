"""Returns that are summed up from the last reward to the first, and stay in that order."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import Span
from trainadvisor.source.reading import span_of
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import is_backward, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

# Calls that make one array of a list, or pair it with another.
ORDERED = frozenset({"tensor", "as_tensor", "FloatTensor", "Tensor", "array", "asarray", "stack", "cat", "zip"})
# What depends on no order.
SUMMARIES = frozenset({"mean", "sum", "std", "var", "max", "min", "item", "numel"})


@pattern("name", "total", words=(("reversed(", "[::-1]", "-1, -1"), (".append(",)))
def returns_reversed(training: Training) -> Iterator[Match]:
    """Yield where a discounted sum is appended in a loop from the end, to a list that nothing turns round."""
    for loop in training.script.of_type(ast.For):
        if not any(map(is_backward, ast.walk(loop.iter))):
            continue
        scope = training.script.scope(loop)
        for total in _sums(loop):
            appended = [call for call in _appended(loop) if total in names_in(call.args[0])]
            for call in appended:
                if _is_list(training, call, scope) and not _is_turned(training, loop, call, appended):
                    name = ast.unparse(call.func.value)  # type: ignore[attr-defined]
                    yield Match(call, {"name": name, "total": total}, loop, _inserted(training, call))


def _sums(loop: ast.For) -> Iterator[str]:
    """Yield the names that are made of a product of themselves and something else: R = r + gamma * R."""
    walked = names_in(loop.target)
    for node in loop.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            products = [n for n in ast.walk(node.value) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult)]
            carried = any(name in names_in(product) for product in products)
            made = {*walked, *(n for s in loop.body for n in _made_of(s, walked))}
            added = isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Add)
            if added and carried and (names_in(node.value) - {name}) & made:
                yield name


def _made_of(statement: ast.stmt, names: set[str]) -> set[str]:
    """Return the names that a statement makes of others."""
    if isinstance(statement, ast.Assign) and names_in(statement.value) & names:
        return {name for target in statement.targets for name in names_in(target)}
    return set()


def _appended(loop: ast.For) -> list[ast.Call]:
    """Return the calls by which a round of a loop always appends one value to a list."""
    calls = [node.value for node in loop.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    return [call for call in calls if called(call) == "append" and len(call.args) == 1]


def _is_list(training: Training, call: ast.Call, scope: ast.AST) -> bool:
    """Return whether one number is appended to a list that was empty before the loop and is used by its order."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if not isinstance(owner, ast.Name) or isinstance(call.args[0], (ast.Tuple, ast.Dict)):
        return False
    bound = training.script.reaching(owner)
    if len(bound) != 1 or not (isinstance(bound[0].value, ast.List) and not bound[0].value.elts):
        return False
    return any(
        _is_ordered(training, node)
        for node in ast.walk(scope)
        if isinstance(node, ast.Name) and node.id == owner.id and node is not owner
    )


def _is_ordered(training: Training, name: ast.Name) -> bool:
    """Return whether a list is made an array at a place, or paired, or handed back."""
    parent = training.script.parents.get(name)
    if isinstance(parent, ast.Return):
        return True
    if not isinstance(parent, ast.Call) or name not in parent.args or called(parent) not in ORDERED:
        return False
    taken = training.script.parents.get(parent)
    return not (isinstance(taken, ast.Attribute) and taken.attr in SUMMARIES)


def _is_turned(training: Training, loop: ast.For, call: ast.Call, appended: list[ast.Call]) -> bool:
    """Return whether anything else goes from the end, or something else is collected in the same order."""
    if any(other not in appended for other in _appended(loop)):
        return True
    own = set(ast.walk(loop.iter))
    name = ast.unparse(call.func.value)  # type: ignore[attr-defined]
    for node in training.script.nodes:
        if node not in own and (is_backward(node) or _from_end(node, name)):
            loops = [n for n in training.script.ancestors(node) if isinstance(n, ast.For)]
            if not any(node in set(ast.walk(other.iter)) and not _same_scope(training, other, loop) for other in loops):
                return True
    return False


def _same_scope(training: Training, one: ast.AST, other: ast.AST) -> bool:
    return training.script.scope(one) is training.script.scope(other)


def _from_end(node: ast.AST, name: str) -> bool:
    """Return whether something is put first, or a list is read by places counted from its end."""
    if isinstance(node, ast.Call):
        return called(node) in ("insert", "appendleft", "extendleft")
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == name and not isinstance(node.slice, ast.Constant):
        return any(isinstance(n, (ast.USub, ast.Sub, ast.Invert)) for n in ast.walk(node.slice))
    return False


def _inserted(training: Training, call: ast.Call) -> Fix | None:
    """Return the change that puts each value before those that are there."""
    if not isinstance(call.func, ast.Attribute):
        return None
    owner, end = span_of(training.source, call.func.value)[1], span_of(training.source, call)[1]
    text = training.source.segment(call.args[0])
    return (Span(owner, end, f".insert(0, {text})"),)
