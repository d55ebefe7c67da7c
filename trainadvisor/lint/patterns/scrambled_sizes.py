"""Sizes that a view or reshape gives back to an array in another order, which moves none of its numbers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.known_shapes import known_shapes
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.bindings import Binding
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

RESHAPES = frozenset({"view", "reshape"})
MODULES = ("torch.", "numpy.")
LEAST = 2
# An axis that is known by its place, and how many there are where a shape was taken apart.
Axis = tuple[int, int | None]


@pattern("call", "right", words=(("view(", "reshape("),))
def scrambled_axes(training: Training) -> Iterator[Match]:
    """Yield views whose sizes are those of the array itself in another order: the numbers stay where they were."""
    for call in training.script.calls:
        taken = _taken(training, call) if called(call) in RESHAPES and not call.keywords else None
        if taken is None or _is_cut_after(training, call) or _is_of_one(training, call):
            continue
        array, sizes = taken
        order = _by_place(training, array, sizes) or _by_size(training, array, sizes)
        if order:
            right = f"{ast.unparse(array)}.{_mover(training, call)}({', '.join(map(str, order))})"
            if len(order) != len(sizes):
                right += f".reshape({', '.join(map(ast.unparse, sizes))})"
            yield Match(call, {"call": ast.unparse(call), "right": right}, fix=_fix(training, call, right))


def _taken(training: Training, call: ast.Call) -> tuple[ast.expr, list[ast.expr]] | None:
    """Return the array of a view and its new sizes, given one by one or as a tuple."""
    if not isinstance(call.func, ast.Attribute):
        return None
    is_function = training.script.full(call.func).startswith(MODULES)
    given = [*call.args] if is_function else [call.func.value, *call.args]
    if len(given) == LEAST and isinstance(given[1], (ast.Tuple, ast.List)):
        given = [given[0], *given[1].elts]
    held = given and isinstance(given[0], (ast.Name, ast.Attribute, ast.Subscript, ast.Call))
    return (given[0], given[1:]) if held and len(given) > LEAST else None


def _by_place(training: Training, array: ast.expr, sizes: list[ast.expr]) -> list[int]:
    """Return the order in which the sizes name the axes of the array; nothing where it is no other order.

    A size may be a product of axes that are joined.
    """
    axes = [[_axis(training, factor, array) for factor in _multiplied(size)] for size in sizes]
    ranks = {axis[1] for joined in axes for axis in joined if axis is not None and axis[1] is not None}
    rank = next(iter(ranks)) if len(ranks) == 1 else None
    order = [sorted(axis[0] if axis is not None else -1 for axis in joined) for joined in axes]
    open_places = [n for n, joined in enumerate(order) if joined == [-1]]
    left = sorted(set(range(rank or len(sizes))) - {axis for joined in order for axis in joined})
    if len(open_places) == 1 and rank and constant(sizes[open_places[0]]) == -1:
        order[open_places[0]] = left
    places = list(range(rank or len(sizes)))
    flat = [axis for joined in order for axis in joined]
    fits = sorted(flat) == places != flat and len(ranks) <= 1
    return flat if fits and not _only_ones_move(training, array, flat) else []


def _multiplied(size: ast.expr) -> list[ast.expr]:
    """Return the factors of a size."""
    if isinstance(size, ast.BinOp) and isinstance(size.op, ast.Mult):
        return [*_multiplied(size.left), *_multiplied(size.right)]
    return [size]


def _axis(training: Training, size: ast.expr, array: ast.expr) -> Axis | None:
    """Return the axis whose size of an array an expression is: x.size(1), x.shape[1], or a name for one."""
    if not isinstance(size, ast.Name):
        return _written(size, array)
    bound = training.script.reaching(size)
    if len(bound) != 1 or bound[0].value is None or bound[0].kind != "value":
        return None
    return _unpacked(bound[0], array) if _is_still(training, array, bound[0]) else None


def _written(size: ast.expr, array: ast.expr) -> Axis | None:
    value: object = None
    if isinstance(size, ast.Call) and called(size) == "size" and len(size.args) == 1:
        if isinstance(size.func, ast.Attribute) and ast.unparse(size.func.value) == ast.unparse(array):
            value = constant(size.args[0])
    elif isinstance(size, ast.Subscript) and _is_shape(size.value, array):
        value = constant(size.slice)
    return (value, None) if isinstance(value, int) and value >= 0 else None


def _unpacked(binding: Binding, array: ast.expr) -> Axis | None:
    """Return the axis that a name was given: n, h, w, c = x.shape."""
    value, statement = binding.value, binding.statement
    if value is None or not binding.path:
        return _written(value, array) if value is not None else None
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    whole = isinstance(target, ast.Tuple) and not any(isinstance(t, ast.Starred) for t in target.elts)
    if len(binding.path) != 1 or not whole or not _is_shape(value, array):
        return None
    return binding.path[0], len(target.elts)  # type: ignore[union-attr]


def _is_shape(value: ast.expr, array: ast.expr) -> bool:
    """Return whether an expression is the shape of an array."""
    if isinstance(value, ast.Call):
        is_size = called(value) == "size" and not value.args and isinstance(value.func, ast.Attribute)
        return is_size and ast.unparse(value.func.value) == ast.unparse(array)  # type: ignore[attr-defined]
    return isinstance(value, ast.Attribute) and value.attr == "shape" and _text(value.value) == _text(array)


def _text(array: ast.expr) -> str:
    return ast.unparse(array)


def _is_still(training: Training, array: ast.expr, binding: Binding) -> bool:
    """Return whether an array is the one whose shape a name was given: its own name was bound to nothing since."""
    source = [n for n in ast.walk(binding.value) if isinstance(n, ast.Name)]  # type: ignore[arg-type]
    inner = [n for n in ast.walk(array) if isinstance(n, ast.Name)]
    if isinstance(array, (ast.Attribute, ast.Subscript)) and _is_set(training, array):
        return False
    before = {n.id: training.script.reaching(n) for n in source}
    return all(n.id in before and training.script.reaching(n) == before[n.id] for n in inner)


def _is_set(training: Training, array: ast.expr) -> bool:
    function = training.script.function_of(array) or training.script.tree
    targets = (n for n in ast.walk(function) if isinstance(n, type(array)) and isinstance(n.ctx, ast.Store))  # type: ignore[attr-defined]
    return any(ast.unparse(n) == ast.unparse(array) for n in targets)


def _only_ones_move(training: Training, array: ast.expr, order: list[int]) -> bool:
    """Return whether all axes that change places are known to have one entry, which moves nothing."""
    shapes = known_shapes(training, array)
    if not shapes or any(len(shape) != len(order) for shape in shapes):
        return False
    return all(_is_kept([n for n in order if shape[n] != 1]) for shape in shapes)


def _is_kept(order: list[int]) -> bool:
    return order == sorted(order)


def _by_size(training: Training, array: ast.expr, sizes: list[ast.expr]) -> list[int]:
    """Return the order of axes that literal sizes have in an array whose shape the script tells, if it is another."""
    new = [value if isinstance(value := constant(s), int) and value > 0 else None for s in sizes]
    shapes = known_shapes(training, array)
    orders = [_order(shape, new) for shape in shapes]
    return orders[0] if orders and all(orders) else []


def _order(old: tuple[int | None, ...], new: list[int | None]) -> list[int]:
    """Return where each of the new sizes stood; nothing where they are no other order of the old ones."""
    plain = [size for size in new if size is not None and size != 1]
    old = _with_open(old, new) if new.count(None) == 1 and None not in old else old
    same_kind = len(old) == len(new) and old.count(None) == new.count(None) <= 1 and len(plain) >= LEAST
    if not same_kind or sorted(map(str, old)) != sorted(map(str, new)):
        return []
    if [size for size in old if size != 1] == [size for size in new if size != 1]:
        return []
    left = list(range(len(old)))
    order = []
    for size in new:
        place = next(n for n in left if old[n] == size)
        left.remove(place)
        order.append(place)
    return order


def _with_open(old: tuple[int | None, ...], new: list[int | None]) -> tuple[int | None, ...]:
    """Return a shape whose one size that is not among the new ones is left open, as it is there."""
    others = [n for n, size in enumerate(old) if old.count(size) > new.count(size)]
    return tuple(None if others[:1] == [n] else size for n, size in enumerate(old))


def _is_cut_after(training: Training, call: ast.Call) -> bool:
    """Return whether the result is cut or moved again: relative positions are shifted in this way on purpose."""
    parent = training.script.parents.get(call)
    if isinstance(parent, ast.Attribute) and parent.attr in ("transpose", "permute", "swapaxes", "T", "mT"):
        return True
    if isinstance(parent, ast.Subscript):
        return True
    function, statement = training.script.function_of(call), training.script.statement(call)
    names = {ast.unparse(t) for t in statement.targets} if isinstance(statement, ast.Assign) else set()
    cut = (n for n in ast.walk(function or training.script.tree) if isinstance(n, ast.Subscript))
    return function is not None and any(
        ast.unparse(n.value) in names and any(isinstance(s, ast.Slice) and s.lower for s in ast.walk(n.slice))
        for n in cut
    )


def _is_of_one(training: Training, call: ast.Call) -> bool:
    """Return whether a view is made only where one of its sizes is 1, which moves nothing."""
    sizes = {ast.unparse(size) for size in call.args}
    inner: ast.AST = call
    for above in training.script.ancestors(call):
        if isinstance(above, (ast.If, ast.IfExp)) and isinstance(above.test, ast.Compare):
            test, inside = above.test, inner in above.body if isinstance(above, ast.If) else inner is above.body
            alone = isinstance(test.ops[0], ast.Eq) and constant(test.comparators[0]) == 1
            if inside and alone and ast.unparse(test.left) in sizes:
                return True
        inner = above
    return False


def _mover(training: Training, call: ast.Call) -> str:
    """Return what moves the axes of such an array: permute in torch, transpose in numpy."""
    return "permute" if _is_of_torch(training, call) else "transpose"


def _is_of_torch(training: Training, call: ast.Call) -> bool:
    asked = any(isinstance(n, ast.Call) and called(n) == "size" for a in call.args for n in ast.walk(a))
    named = training.script.full(call.func).startswith("torch.")
    inside = training.forward_of(call) is not None
    inner = call.func.value if isinstance(call.func, ast.Attribute) else None
    made = isinstance(inner, ast.Call) and training.script.full(inner.func).startswith("torch.")
    return called(call) == "view" or asked or named or inside or made or "numpy" not in training.source.text


def _fix(training: Training, call: ast.Call, right: str) -> Fix | None:
    return (replaced(training.source, call, right),) if _is_of_torch(training, call) else None
