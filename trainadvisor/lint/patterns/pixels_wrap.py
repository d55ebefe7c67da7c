"""Pixels of 8 bits that are made brighter, or noised, beyond 255."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import draws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PICTURE = re.compile(r"(^|_)(im|img|imgs|image|images|frame|frames|pixels?|photo|pic|picture)(_|\d|$)", re.IGNORECASE)
BYTES = re.compile(r"uint8")
BOUNDED = re.compile(
    r"clip|clamp|minimum|maximum|\bmin\(|\bmax\(|saturat|addWeighted|%|int16|int32|float", re.IGNORECASE
)


@pattern("sum", "right", words=(("uint8", ".byte()"), ("+", "-", "*")))
def pixels_wrap(training: Training) -> Iterator[Match]:
    """Yield random sums of a picture that become bytes, or are bytes already, and are not held between 0 and 255."""
    for node in training.script.of_type(ast.BinOp):
        if not isinstance(node.op, (ast.Add, ast.Sub)) or BOUNDED.search(words_of(node)):
            continue
        pictures = [side for side in (node.left, node.right) if isinstance(side, ast.Name) and PICTURE.search(side.id)]
        if len(pictures) != 1 or not (_becomes_bytes(training, node) or _adds_bytes(training, node, pictures[0])):
            continue
        other = node.right if pictures[0] is node.left else node.left
        if _is_random(training, other):
            right = f"np.clip({words_of(node)}, 0, 255).astype(np.uint8)"
            yield Match(node, {"sum": words_of(node), "right": right.replace("np.uint8(", "int(")})


def _becomes_bytes(training: Training, node: ast.BinOp) -> bool:
    """Return whether a sum is made to bytes where it stands: (img + noise).astype(np.uint8), np.uint8(img + noise)."""
    parent = training.script.parents.get(node)
    outer = training.script.parents.get(parent) if parent is not None else None
    if isinstance(parent, ast.Attribute) and isinstance(outer, ast.Call) and outer.func is parent:
        made = parent.attr in ("astype", "to", "type") and BYTES.search(words_of(outer)) is not None
        return made or parent.attr == "byte"
    return isinstance(parent, ast.Call) and called(parent) == "uint8"


def _adds_bytes(training: Training, node: ast.BinOp, picture: ast.Name) -> bool:
    """Return whether both sides are bytes: img + np.uint8(shift)."""
    other = node.right if picture is node.left else node.left
    cast = isinstance(other, ast.Call) and (called(other) == "uint8" or _cast(other))
    return cast and not any(BOUNDED.search(words_of(o.expr)) for o in training.values.origins(picture) if o is not None)


def _cast(call: ast.Call) -> bool:
    return called(call) == "astype" and BYTES.search(words_of(call)) is not None


def _is_random(training: Training, value: ast.expr) -> bool:
    """Return whether a value is drawn at random, here or where its names were bound."""
    if any(True for _ in draws(training, value)):
        return True
    for name in (n for n in ast.walk(value) if isinstance(n, ast.Name)):
        origins = [origin.expr for origin in training.values.origins(name) if origin is not None]
        if any(True for origin in origins for _ in draws(training, origin)):
            return True
    return False
