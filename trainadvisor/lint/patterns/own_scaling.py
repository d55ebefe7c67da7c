"""Held-out data that are scaled by their own figures, where the training data have theirs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.validation_leak import HELD_OUT, TRAINED
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

FITS = ("fit", "fit_transform")
PARTS = frozenset({"val", "valid", "validation", "test", "dev"})


@pattern("call", words=(("fit_transform(",),))
def preprocessing_mismatch(training: Training) -> Iterator[Match]:
    """Yield held-out data that a scaler is fitted to: the one of the training data, or one of its kind made anew."""
    for call in training.script.calls_by_name.get("fit_transform", []):
        if not isinstance(call.func, ast.Attribute) or not call.args or not _is_held_out(call.args[0]):
            continue
        owner = ast.unparse(call.func.value)
        earlier = [
            other
            for name in FITS
            for other in training.script.calls_by_name.get(name, [])
            if other.lineno < call.lineno and ast.unparse(other.func) == f"{owner}.{name}" and other.args
        ]
        trained = [other for other in earlier if TRAINED.search(ast.unparse(other.args[0]))]
        if trained:
            anew = isinstance(call.func.value, ast.Call)
            said = f"{'scaler' if anew else owner}.transform({ast.unparse(call.args[0])})"
            yield Match(call, {"call": said}, trained[0], None if anew else _fix(training, call))


def _is_held_out(data: ast.expr) -> bool:
    """Return whether data are named as held out: a whole, a column test["a"], a part of a dictionary splits["test"]."""
    part = constant(data.slice) if isinstance(data, ast.Subscript) else None
    root = data
    while isinstance(root, (ast.Subscript, ast.Attribute)):
        root = root.value
    texts = (ast.unparse(data), ast.unparse(root))
    return (any(map(HELD_OUT.search, texts)) or part in PARTS) and TRAINED.search(texts[0]) is None


def _fix(training: Training, call: ast.Call) -> Fix | None:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    text = training.source.segment(owner) if owner is not None else ""
    return (replaced(training.source, call.func, f"{text}.transform"),) if text else None
