"""Boxes that are compared with their targets everywhere, also where the target says that there is no object."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PRESENT = re.compile(r"obj|conf|presen|exist|has_", re.IGNORECASE)
BINARY = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})
DISTANCES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})


@pattern(
    "boxes", "target", "presence", words=(("bce", "BCE", "binary_cross_entropy"), ("obj", "conf", "presen", "exist"))
)
def boxes_without_object(training: Training) -> Iterator[Match]:
    """Yield box terms of a detection loss that no part of the target which says where objects are selects."""
    for item in training.losses:
        scope = training.script.scope(item.call)
        presence = _channel(training, item.target) if item.name in BINARY and item.target is not None else None
        if presence is None or not PRESENT.search(_words(training, item.call, item.target)):
            continue
        whole, channel = ast.unparse(presence.value), ast.unparse(presence)
        names = {n.id for n in _bound_to(training, scope, channel)}
        if _is_used(training, scope, item.call, names, channel):
            continue
        for first, second in _differences(training, scope):
            boxes = next((s for s in (first, second) if _is_range(s) and ast.unparse(s.value) == whole), None)
            if boxes is not None and all(map(_is_range, (first, second))):
                other = second if boxes is first else first
                values = {"boxes": ast.unparse(other), "target": ast.unparse(boxes), "presence": channel}
                yield Match(boxes, values, item.call)
                break


def _channel(training: Training, target: ast.expr | None) -> ast.Subscript | None:
    """Return the one channel of a tensor that a target is: `target[:, 0]`, `target[..., 4]`."""
    origin = training.values.single(target) if isinstance(target, ast.Name) else target
    if not isinstance(origin, ast.Subscript) or not isinstance(origin.slice, ast.Tuple):
        return None
    return origin if isinstance(constant(origin.slice.elts[1]), int) else None


def _is_range(part: ast.expr | None) -> bool:
    """Return whether something is several channels of a tensor: `pred[:, 1:]`, `pred[..., :4]`."""
    tuple_ = isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Tuple) and len(part.slice.elts) > 1
    along = part.slice.elts[1] if tuple_ else None  # type: ignore[union-attr]
    return isinstance(along, ast.Slice) and (along.lower is not None or along.upper is not None)


def _words(training: Training, call: ast.Call, target: ast.expr | None) -> str:
    """Return what a presence loss and its target are called."""
    statement = training.script.statement(call)
    bound = ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
    return f"{bound} {ast.unparse(target) if target is not None else ''}"


def _bound_to(training: Training, scope: ast.AST, channel: str) -> Iterator[ast.Name]:
    """Yield the names that are bound to a channel as it is."""
    for node in training.script.inside(scope):
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.value) == channel
            and isinstance(node.targets[0], ast.Name)
        ):
            yield node.targets[0]


def _is_used(training: Training, scope: ast.AST, loss: ast.Call, names: set[str], channel: str) -> bool:
    """Return whether the channel that says where objects are does anything beside that loss."""
    own = set(ast.walk(loss))
    for node in training.script.inside(scope):
        if node in own or isinstance(getattr(node, "ctx", None), ast.Store):
            continue
        named = isinstance(node, ast.Name) and node.id in names
        parent = training.script.parents[node]
        written = (
            isinstance(node, ast.Subscript) and ast.unparse(node) == channel and not isinstance(parent, ast.Assign)
        )
        if named or written:
            return True
    return False


def _differences(training: Training, scope: ast.AST) -> Iterator[tuple[ast.Subscript, ast.Subscript]]:
    """Yield the two parts of tensors whose difference is taken, by itself or in a loss."""
    for node in training.script.inside(scope):
        sides: list[ast.expr] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            sides = [node.left, node.right]
        elif isinstance(node, ast.Call) and (called(node) in DISTANCES or _is_distance(training, node)):
            sides = node.args[:2]
        if len(sides) > 1 and isinstance(sides[0], ast.Subscript) and isinstance(sides[1], ast.Subscript):
            yield sides[0], sides[1]


def _is_distance(training: Training, call: ast.Call) -> bool:
    return any(item.call is call and item.name in DISTANCES for item in training.losses)
