"""The change of a view that exchanges axes: the values are moved to their places, where the script views them."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING

from trainadvisor.mending.fault_edits import mends
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.judge.result import Finding
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

VIEWS = frozenset({"view", "reshape"})
MOVING = frozenset({"transpose", "permute", "swapaxes", "movedim", "t"})
IMAGES = 4


@mends
def scrambled_axes(training: Training, finding: Finding) -> Fix | None:
    """Move the axes before the one view that can have made the shape seen."""
    shapes = _shapes(finding)
    views = [call for call in training.script.calls if shapes is not None and _makes(call, shapes[1])]
    if shapes is None or len(views) != 1 or not isinstance(views[0].func, ast.Attribute):
        return None
    text = training.source.segment
    moved = _moved(*shapes)
    if moved is None:
        return None
    made = f"{text(views[0].func.value)}.{moved}"
    if len(shapes[0]) != len(shapes[1]):
        made += f".reshape({', '.join(text(argument) for argument in views[0].args)})"
    return (replaced(training.source, views[0], made),)


def _makes(call: ast.Call, shape: Sequence[int]) -> bool:
    """Return whether a call can have viewed a value, whose axes were not moved just before, in a shape."""
    if called(call) not in VIEWS or not isinstance(call.func, ast.Attribute) or not _fits(call, shape):
        return False
    value = call.func.value
    return not (isinstance(value, ast.Call) and called(value) in MOVING)


def _shapes(finding: Finding) -> tuple[list[int], list[int]] | None:
    """Return the sizes before and after the view."""
    found = [finding.values.get(f"scrambled_{name}") for name in ("before", "after")]
    before, after = (list(ast.literal_eval(shape)) if shape else [] for shape in found)
    return (before, after) if before and after else None


def _fits(call: ast.Call, shape: Sequence[int]) -> bool:
    """Return whether the arguments of a view can mean a shape: as many, and the same where they are numbers."""
    given = call.args
    if len(given) == 1 and isinstance(given[0], (ast.Tuple, ast.List)):
        given = given[0].elts
    if len(given) != len(shape) or any(isinstance(argument, ast.Starred) for argument in given):
        return False
    return all(constant(argument) in (None, -1, size) for argument, size in zip(given, shape, strict=True))


def _moved(before: list[int], after: list[int]) -> str | None:
    """Return the call that moves the axes so that the shape is meant as it is, None where sizes do not tell how."""
    if len(set(before)) != len(before) or 1 in before:
        return None
    if sorted(before) == sorted(after):
        return f"permute({', '.join(str(before.index(size)) for size in after)})"
    if len(after) < len(before) and len(before) >= IMAGES and after[-1] == before[1]:
        return "movedim(1, -1)"
    kept = int(before[0] == after[0])
    passes = after[kept:] == [*before[kept + 1 : kept + 2], before[kept] * math.prod(before[kept + 2 :])]
    return f"transpose({kept}, {kept + 1})" if passes else None
