"""An offset of numbers in a batch that each round replaces instead of adding to it: later parts lie on earlier ones."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

OFFSET = re.compile(r"offset|shift|(^|_)(cum|base|start|total|inc|ptr)|(^|_)(num|n)_?nodes|cumulative", re.IGNORECASE)
KEPT = frozenset({"append", "extend"})
SIZES = frozenset({"num_nodes", "n_nodes", "num_atoms", "number_of_nodes"})
TWO = 2


@pattern("offset", "size", words=(("append(", "extend("), ("for ",), ("len(", "size(", "shape[", *SIZES), ("torch",)))
def offset_overwritten(training: Training) -> Iterator[Match]:
    """Yield offsets that begin at 0, are added to numbers in a loop and kept there, and are then set to one size."""
    for loop in training.script.of_type(ast.For):
        if _are_two(loop.iter):
            continue
        nodes = list(training.script.inside(loop))
        for node in loop.body:
            name = node.targets[0].id if _sets(node) else ""  # type: ignore[attr-defined]
            if not name or not OFFSET.search(name) or name in names_in(node.value):  # type: ignore[attr-defined]
                continue
            once = sum(_binds(n, name) for n in nodes) == 1
            of_item = names_in(node.value) & names_in(loop.target)  # type: ignore[attr-defined]
            if (
                once
                and of_item
                and not _are_two(loop.iter)
                and _begins_at_zero(training, loop, name)
                and _added(nodes, node, name)
            ):
                fix = (replaced(training.source, node, f"{name} += {training.source.segment(node.value)}"),)  # type: ignore[attr-defined]
                yield Match(node, {"offset": name, "size": ast.unparse(node.value)}, fix=fix)  # type: ignore[attr-defined]


def _sets(node: ast.stmt) -> bool:
    """Return whether a statement binds a name to the size of something."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return False
    value = node.value
    if isinstance(value, ast.Call):
        first = called(value) == "size" and [constant(a) for a in value.args] == [0]
        return first or called(value) in {"len", *SIZES}
    if isinstance(value, ast.Subscript):
        return isinstance(value.value, ast.Attribute) and value.value.attr == "shape" and constant(value.slice) == 0
    return isinstance(value, ast.Attribute) and value.attr in SIZES


def _are_two(walked: ast.expr) -> bool:
    """Return whether a loop goes over two things that are written out: behind the first, its size is the sum."""
    return isinstance(walked, (ast.Tuple, ast.List)) and len(walked.elts) <= TWO


def _binds(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)


def _begins_at_zero(training: Training, loop: ast.For, name: str) -> bool:
    """Return whether the last binding in front of a loop, in its scope, is to 0."""
    found = training.script.bindings(training.script.scope(loop)).get(name, [])
    before = [b for b in found if b.line < (loop.lineno, loop.col_offset)]
    return bool(before) and before[-1].value is not None and constant(before[-1].value) == 0 and not before[-1].path


def _added(nodes: list[ast.AST], last: ast.stmt, name: str) -> bool:
    """Return whether an offset is added to something in what is kept, in front of where it is set."""
    kept = [n for n in nodes if isinstance(n, ast.Call) and called(n) in KEPT and n.lineno < last.lineno]
    sums = [n for call in kept for n in ast.walk(call) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add)]
    return any(_is_side(n, name) for n in sums)


def _is_side(node: ast.BinOp, name: str) -> bool:
    """Return whether a sum adds a name to something that is no plain number, as to the end of a slice."""
    named = [isinstance(side, ast.Name) and side.id == name for side in (node.left, node.right)]
    return any(named) and constant(node.left) is None and constant(node.right) is None
