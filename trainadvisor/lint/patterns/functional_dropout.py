"""Dropout that does not know the mode: a function without `training`, or a layer made anew in forward."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import called, constant, is_open, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

FUNCTIONS = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d"})
AREA = "torch.nn.functional."
LAYERS = frozenset({"Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"})


@pattern("call", words=(("ropout",),))
def train_mode_in_eval(training: Training) -> Iterator[Match]:
    """Yield calls of dropout in methods of modules that are active in evaluation as well."""
    script = training.script
    for call in script.calls:
        owner = script.class_of(call)
        if owner is None or not training.is_module_class(owner) or _asks_for_mode(training, call):
            continue
        full, name = script.full(call.func), called(call)
        if full == AREA + name and name in FUNCTIONS and _ignores_mode(call):
            span = with_argument(training.source, call, "training", "self.training", 2)
            yield Match(call, {"call": ast.unparse(call.func)}, fix=(span,) if span else None)
        elif isinstance(call.func, ast.Call) and _made_here(training, call.func):
            yield Match(call, {"call": ast.unparse(call.func)})


def _ignores_mode(call: ast.Call) -> bool:
    return keyword(call, "training", 2) is None and not is_open(call) and constant(keyword(call, "p", 1)) != 0


def _asks_for_mode(training: Training, call: ast.Call) -> bool:
    """Return whether a call stands under a question for the mode, or behind one that leaves the method."""
    for node in training.script.ancestors(call):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            before = [n for n in node.body if n.lineno < call.lineno and isinstance(n, ast.If)]
            return any(_is_of_mode(n.test) and isinstance(n.body[-1], ast.Return) for n in before)
        if isinstance(node, (ast.If, ast.IfExp)) and _is_of_mode(node.test):
            return True
    return False


def _is_of_mode(test: ast.expr) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr == "training" for n in ast.walk(test))


def _made_here(training: Training, made: ast.Call) -> bool:
    """Return whether a dropout layer is made where it is used: it is always in train mode."""
    full = training.script.full(made.func)
    return full in {f"torch.nn.{name}" for name in LAYERS} and training.forward_of(made) is not None
