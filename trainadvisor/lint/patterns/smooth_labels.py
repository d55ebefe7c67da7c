"""A map of class numbers that is resized by averaging: between two classes lie the numbers of others."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

RESIZES = frozenset({"interpolate", "resize", "Resize"})
MAP = re.compile(r"mask|label|seg|annot|(^|_)gt(_|$|\W)|target", re.IGNORECASE)
# What a net answers, or weights of classes: numbers between which there are others.
BETWEEN = re.compile(r"pred|logit|prob|score|soft|one_?hot|attn|attention|alpha|heat|depth|flow", re.IGNORECASE)
AVERAGES = re.compile(r"linear|cubic|area|lanczos", re.IGNORECASE)
INTEGERS = re.compile(r"long|int64|int32|\bint\b|uint8", re.IGNORECASE)
# What makes classes of what lies between.
CHOOSES = frozenset({"argmax", "round", "rint"})
# Functions that average where nothing else is said.
BY_DEFAULT = ("cv2.resize", "torchvision.transforms.functional.resize", "torchvision.transforms.v2.functional.resize")


@pattern("call", "map", words=(("interpolate(", "resize(", "Resize("), ("long", "int")))
def labels_interpolated(training: Training) -> Iterator[Match]:
    """Yield resized class maps whose averages are cut to whole numbers."""
    for call in training.script.calls:
        if called(call) not in RESIZES or not _averages(training, call):
            continue
        subject = _subject(training, call)
        text = ast.unparse(subject) if subject is not None else ""
        if not MAP.search(text) or BETWEEN.search(text):
            continue
        if _is_cut(training, call):
            yield Match(call, {"call": ast.unparse(call), "map": text})


def _subject(training: Training, call: ast.Call) -> ast.expr | None:
    """Return what a call resizes."""
    if isinstance(call.func, ast.Attribute) and not _is_function(training, call):
        return call.func.value
    parent = training.script.parents[call]
    if called(call) == "Resize":  # a transform that is made and called at once
        return parent.args[0] if isinstance(parent, ast.Call) and parent.func is call and parent.args else None
    return call.args[0] if call.args else None


def _is_function(training: Training, call: ast.Call) -> bool:
    """Return whether a call is one of a module's function, not of a method of what is resized."""
    root = call.func
    while isinstance(root, ast.Attribute):
        root = root.value
    imported = isinstance(root, ast.Name) and root.id in training.script.imports
    return imported or not isinstance(call.func, ast.Attribute) or called(call) == "Resize"


def _averages(training: Training, call: ast.Call) -> bool:
    """Return whether a call says that it averages, or does so where nothing is said."""
    said = [*call.args[1:], *(k.value for k in call.keywords)]
    if isinstance(call.func, ast.Attribute) and not _is_function(training, call):
        said = [*call.args, *(k.value for k in call.keywords)]
    texts = " ".join(ast.unparse(part) for part in said)
    if "nearest" in texts.lower():
        return False
    unsaid = keyword(call, "interpolation") is None and training.script.full(call.func) in BY_DEFAULT
    return unsaid or AVERAGES.search(texts) is not None


def _is_cut(training: Training, call: ast.Call) -> bool:
    """Return whether the result becomes whole numbers, where it stands or under its name, and nothing chooses."""
    node: ast.AST = call
    while isinstance(parent := training.script.parents[node], ast.expr):
        node = parent
        if isinstance(node, ast.Compare) or (isinstance(node, ast.Call) and called(node) in CHOOSES):
            return False
        if isinstance(node, ast.Call) and _makes_integers(node):
            return True
    if not isinstance(parent, ast.Assign) or not isinstance(parent.targets[0], ast.Name):
        return False
    name, scope = parent.targets[0].id, training.script.scope(call)
    later = [n for n in training.script.inside(scope) if getattr(n, "lineno", 0) > call.lineno]
    mine = [n for n in later if isinstance(n, (ast.Call, ast.Compare)) and _is_about(n, name)]
    if any(isinstance(n, ast.Compare) or called(n) in CHOOSES for n in mine):
        return False
    return any(isinstance(n, ast.Call) and _makes_integers(n) for n in mine)


def _is_about(node: ast.Call | ast.Compare, name: str) -> bool:
    """Return whether a comparison or call is of a name: its left side, its object or its first argument."""
    if isinstance(node, ast.Compare):
        return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node.left))
    parts = [*node.args[:1], *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
    return any(isinstance(n, ast.Name) and n.id == name for part in parts for n in ast.walk(part))


def _makes_integers(call: ast.Call) -> bool:
    """Return whether a call turns numbers into whole ones."""
    if called(call) in ("long", "int", "LongTensor"):
        return True
    given = [*call.args, *(k.value for k in call.keywords if k.arg == "dtype")]
    makes = called(call) in ("to", "type", "astype", "tensor", "as_tensor", "array", "asarray")
    return makes and any(INTEGERS.search(ast.unparse(part)) for part in given[-1:])
