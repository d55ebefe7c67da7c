"""Boxes as center and size that are given to an overlap of corners, while others are turned into corners first."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

OVERLAP = re.compile(r"(^|_)[gdc]?iou(_|$)", re.IGNORECASE)
LIBRARY = re.compile(r"^torchvision\.ops\.\w*box_iou(_loss)?$")
TURNED = re.compile(r"xyxy|corner|box_convert|xywh_?(to|2)", re.IGNORECASE)
# What takes four numbers for two corners: the nearer of the lower ends and of the upper ends.
CORNERS = re.compile(r"(min|minimum)\(\w+\[[^\]]*2:\], *\w+\[[^\]]*2:\]\)")
PAIR = 2


@pattern("call", "boxes", "turned", words=(("iou", "IoU"), ("xyxy", "corner", "box_convert", "xywh", "XYXY")))
def box_format(training: Training) -> Iterator[Match]:
    """Yield overlaps of boxes as they are, of which the script turns the same into corners before another overlap."""
    calls = [call for call in training.script.calls if _overlaps(training, call)]
    whole = [call for call in calls if all(_turning(training, part) for part in call.args[:PAIR])]
    for call in calls:
        if not whole or any(_turning(training, part) for part in call.args[:PAIR]):
            continue
        turned = next((t for part in call.args[:PAIR] if (t := _turned_elsewhere(training, part))), None)
        if turned is not None:
            part, other = turned
            values = {"call": ast.unparse(call), "boxes": ast.unparse(part), "turned": ast.unparse(other)}
            yield Match(call, values, other)


def _overlaps(training: Training, call: ast.Call) -> bool:
    """Return whether a call is an overlap of two sets of boxes by their corners."""
    if len(call.args) < PAIR or not OVERLAP.search(called(call)):
        return False
    if LIBRARY.search(training.script.full(call.func)):
        return True
    function = training.script.function_of(call)
    inside = function is not None and OVERLAP.search(function.name) is not None
    reached = [n for f in training.called_functions(call) for n in (f, *_inner(training, f))]
    return not inside and any(CORNERS.search(ast.unparse(f)) for f in reached)


def _inner(training: Training, function: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the functions that a function calls."""
    calls = (n for n in ast.walk(function) if isinstance(n, ast.Call))
    return [f for call in calls for f in training.called_functions(call)]


def _turning(training: Training, part: ast.expr) -> bool:
    """Return whether something comes out of a change of format."""
    made = training.values.single(part) if isinstance(part, ast.Name) else part
    return isinstance(made, ast.Call) and TURNED.search(called(made)) is not None


def _turned_elsewhere(training: Training, part: ast.expr) -> tuple[ast.expr, ast.Call] | None:
    """Return boxes with the change of format that others under the same name go through; arguments are unknown."""
    if not isinstance(part, ast.Name) or any(b.kind == "argument" for b in training.script.reaching(part)):
        return None
    for call in training.script.calls:
        given = call.args[0] if call.args and TURNED.search(called(call)) else None
        if isinstance(given, ast.Name) and given.id == part.id:
            return part, call
    return None
