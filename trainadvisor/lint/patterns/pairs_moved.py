"""A picture that is flipped or turned by chance while places or directions that its target names stay as they were."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import used_together
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import assignments, called
from trainadvisor.source.uses import draws, is_backward, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Targets that name places or directions in a picture.
PLACES = re.compile(
    r"(^|_)(pts?|points?|landmarks?|lms?|kps?|kpts?|keypoints?|box(es)?|bbox(es)?|masks?|segs?|segmentations?|coords?|"
    r"coordinates|joints?|xy|corners?|heat_?maps?|steer|steering|angles?|yaws?|headings?)($|_|\d)",
    re.IGNORECASE,
)
# Masks of another kind.
NO_PLACES = re.compile(r"att(n|ention)|pad|valid|loss|len|num|drop|idx|weight", re.IGNORECASE)
PICTURE = re.compile(r"im(g|age)?s?($|_|\d)|pic|photo|frame|^x($|_|\d)|(^|_)crop", re.IGNORECASE)
MOVING = frozenset({"flip", "fliplr", "flipud", "hflip", "vflip", "rot90", "rotate", "mirror"})
TURNS = ("FLIP_", "ROTATE_", "TRANSPOSE")


@pattern("first", "second", words=(("rand", "choice", "integers"), ("flip", "::-1", "rot", "mirror", ":", "FLIP_")))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield pictures that move by chance beside places that do not, where both are used together afterwards."""
    for function in (*training.script.functions, training.script.tree):
        nodes = list(training.script.inside(function))
        drawn = _drawn(training, nodes)
        for node in nodes:
            name = _moved(node)
            if name and PICTURE.search(name) and _in_place(training, node) and _by_chance(training, node, drawn):
                for target in _left(nodes, node, name, drawn):
                    if used_together(function, name, target, node.lineno):  # type: ignore[attr-defined]
                        yield Match(node, {"first": ast.unparse(node), "second": target})
                        break


def _drawn(training: Training, nodes: list[ast.AST]) -> set[str]:
    """Return the names that numbers drawn at random are bound to."""
    return {
        ast.unparse(target)
        for node in nodes
        for target, value in assignments(node)
        if value is not None and next(draws(training, value), None) is not None
    }


def _moved(node: ast.AST) -> str:
    """Return the picture whose moved copy takes its place: img = img[:, ::-1]."""
    target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
    if not isinstance(target, (ast.Name, ast.Attribute)) or ast.unparse(target) not in ast.unparse(node.value):  # type: ignore[attr-defined]
        return ""
    return ast.unparse(target) if _turned(node) else ""


def _turned(node: ast.AST) -> bool:
    """Return whether an assignment flips or turns something."""
    value = node.value if isinstance(node, ast.Assign) else None
    parts = list(ast.walk(value)) if value is not None else []
    calls = [n for n in parts if isinstance(n, ast.Call)]
    named = any(called(c) in MOVING or (called(c) == "transpose" and _turns(c)) for c in calls)
    return named or any(map(is_backward, parts))


def _in_place(training: Training, node: ast.AST) -> bool:
    """Return whether what is turned round are rows or columns: [..., ::-1] may also exchange the colors."""
    last = [n for n in ast.walk(node) if isinstance(n, ast.Subscript) and is_backward(n) and _is_last(n)]
    outer = next((n for n in training.script.ancestors(node) if isinstance(n, ast.If)), node)
    lines = training.source.lines[outer.lineno - 1 : node.end_lineno]  # type: ignore[attr-defined]
    return not last or any(re.search(r"flip|mirror", line, re.IGNORECASE) for line in lines)


def _is_last(node: ast.Subscript) -> bool:
    """Return whether a subscript turns round the last axis, or the third of three."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    plain = [isinstance(p, ast.Slice) and p.step is None for p in parts]
    return ast.unparse(parts[0]) == "..." or plain[:2] == [True, True]


def _turns(call: ast.Call) -> bool:
    return any(word in ast.unparse(argument) for argument in call.args for word in TURNS)


def _by_chance(training: Training, node: ast.AST, drawn: set[str]) -> bool:
    """Return whether a drawn number decides that a picture moves, or how far."""
    tests = [outer.test for outer in training.script.ancestors(node) if isinstance(outer, ast.If)]
    asked: list[ast.AST] = [*tests, node]
    return any(names_in(part) & drawn or next(draws(training, part), None) is not None for part in asked)


def _left(nodes: list[ast.AST], move: ast.AST, picture: str, drawn: set[str]) -> Iterator[str]:
    """Yield the names of places that nothing changes, but for a conversion, once a picture has moved or might."""
    names = {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}
    nodes = [node for node in nodes if not _moves_both(node, picture)]
    for name in sorted(n for n in names if PLACES.search(n) and not NO_PLACES.search(n) and n != picture):
        if not any(_changes(node, name, move, drawn) or _cuts_out(node, picture, name, move) for node in nodes):
            yield name


def _moves_both(node: ast.AST, picture: str) -> bool:
    """Return whether a statement cuts a picture beside other things: a later flip of it alone takes them apart."""
    pairs = list(assignments(node))
    cut = len(pairs) > 1 and all(isinstance(value, ast.Subscript) for _, value in pairs)
    return cut and any(ast.unparse(target) == picture for target, _ in pairs)


def _cuts_out(node: ast.AST, picture: str, name: str, move: ast.AST) -> bool:
    """Return whether a picture was cut out by a box in front of its move: the box then names no place in it."""
    call = node.value if isinstance(node, ast.Assign) else None
    early = isinstance(node, ast.Assign) and node.lineno < move.lineno  # type: ignore[attr-defined]
    cut = isinstance(call, ast.Call) and "crop" in called(call) and name in names_in(call)
    return early and cut and ast.unparse(node.targets[0]) == picture  # type: ignore[attr-defined]


def _changes(node: ast.AST, name: str, move: ast.AST, drawn: set[str]) -> bool:
    """Return whether a statement gives places other values by a drawn number, or behind the move of the picture."""
    late = getattr(node, "lineno", 0) >= move.lineno  # type: ignore[attr-defined]
    if isinstance(node, ast.Return) and node.value is not None:
        parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        return any(name in names_in(p) and names_in(p) & drawn for p in parts)
    if isinstance(node, (ast.If, ast.IfExp)) and names_in(node.test) & drawn:
        inner = [n for part in ast.iter_child_nodes(node) if part is not node.test for n in ast.walk(part)]
        return any(name in names_in(n) for n in inner if isinstance(n, (ast.Assign, ast.AugAssign, ast.Call)))
    if isinstance(node, ast.Call) and late and isinstance(node.func, ast.Attribute) and node.func.attr.endswith("_"):
        return ast.unparse(node.func.value).startswith(name)
    bound = [target for target, _ in assignments(node) if name in names_in(target)]
    value = getattr(node, "value", None)
    plain = isinstance(value, ast.Call) and names_in(value) - {name} <= {"torch", "np", "float", "tv_tensors"}
    plain = plain and not _turned(node)
    return bool(bound) and (late or bool(names_in(node) & drawn)) and not (plain and not _is_arithmetic(value))


def _is_arithmetic(value: ast.expr | None) -> bool:
    return value is not None and any(isinstance(n, ast.Sub) for n in ast.walk(value))
