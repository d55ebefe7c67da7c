"""Boxes that are mirrored corner by corner, so that the left side stands where the right one belongs."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

BOXES = re.compile(r"box|bb(?![a-z])", re.IGNORECASE)
# What holds points that need no order, or boxes of another form.
POINTS = re.compile(r"poly|point|kp|landm|quad|seg|corner|obb|cxcy|xywh|center", re.IGNORECASE)
SIDES = ([0, 2], [1, 3])
ORDERS = frozenset({"sort", "sorted", "min", "max", "minimum", "maximum", "amin", "amax", "aminmax"})


@pattern("first", "second", words=(("box", "bb", "Box", "BB"), ("-",), ("0", "1")))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield mirrored boxes whose two sides are taken from the other side of the picture and not exchanged."""
    for node in training.script.of_type(ast.Assign):
        target, value = node.targets[0], node.value
        if not _is_mirrored(target, value) or not isinstance(target, ast.Subscript):
            continue
        sides = _sides(target)
        root = ast.unparse(target.value)
        if sides is None or not BOXES.search(root) or POINTS.search(root) or _is_put_in_order(training, node, root):
            continue
        yield Match(
            node, {"first": _picture(training, node), "second": ast.unparse(node)}, fix=_fix(training, value, sides)
        )


def _is_mirrored(target: ast.expr, value: ast.expr) -> bool:
    """Return whether a part of an array becomes a size less itself: b[:, [0, 2]] = w - b[:, [0, 2]]."""
    minus = value if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub) else None
    return minus is not None and ast.unparse(minus.right) == ast.unparse(target)


def _sides(part: ast.Subscript) -> list[int] | None:
    """Return the two columns of a part: those of a list, or of a slice with a step of 2."""
    index = part.slice.elts[-1] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
    if isinstance(index, ast.List):
        columns = [constant(e) for e in index.elts]
        return next((sides for sides in SIDES if columns == sides), None)
    if isinstance(index, ast.Slice) and constant(index.step) == len((0, 2)):
        first, end = constant(index.lower) or 0, constant(index.upper) if index.upper is not None else 4
        return next((s for s in SIDES if first == s[0] and isinstance(end, int) and s[1] < end <= len("xyxy")), None)
    return None


def _is_put_in_order(training: Training, node: ast.Assign, root: str) -> bool:
    """Return whether the function exchanges or sorts the sides of the boxes, before or behind."""
    scope = training.script.function_of(node) or training.script.tree
    for other in ast.walk(scope):
        if isinstance(other, ast.Call) and called(other) in ORDERS and root in ast.unparse(other):
            return True
        if isinstance(other, ast.Subscript) and ast.unparse(other.value) == root and _turns(other):
            return True
    return False


def _turns(part: ast.Subscript) -> bool:
    """Return whether columns are asked for in another order than they stand in."""
    index = part.slice.elts[-1] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
    columns = [constant(e) for e in index.elts] if isinstance(index, ast.List) else []
    numbers = [c for c in columns if isinstance(c, int)]
    return numbers != sorted(numbers)


def _picture(training: Training, node: ast.Assign) -> str:
    """Return what mirrors the picture in the same block, or what the sides are taken from."""
    for other in training.block(node) or []:
        if (
            isinstance(other, ast.Assign)
            and other is not node
            and re.search(r"flip|\[.*::-1", ast.unparse(other.value))
        ):
            return ast.unparse(other.value)
    return "flip"


def _fix(training: Training, value: ast.expr, sides: list[int]) -> Fix | None:
    right = value.right if isinstance(value, ast.BinOp) else None
    index = right.slice if isinstance(right, ast.Subscript) else None
    index = index.elts[-1] if isinstance(index, ast.Tuple) else index
    return (replaced(training.source, index, f"{sides[::-1]}"),) if index is not None else None
