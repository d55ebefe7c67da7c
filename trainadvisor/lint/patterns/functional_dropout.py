"""Dropout that does not know the mode: a function without `training`, or a layer made anew in forward."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced, with_argument
from trainadvisor.source.syntax import called, constant, is_open, is_self, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

FUNCTIONS = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d"})
AREA = "torch.nn.functional."
# Attention takes a rate and no mode.
ATTENTION = "scaled_dot_product_attention"
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
        if full == AREA + ATTENTION and _keeps_rate(training, call):
            rate = keyword(call, "dropout_p", 4)
            told = f"{ast.unparse(rate)} if self.training else 0.0" if rate is not None else ""
            fix = (replaced(training.source, rate, told),) if rate is not None else None
            yield Match(call, {"call": ast.unparse(call.func)}, fix=fix)
        elif full == AREA + name and name in FUNCTIONS and _ignores_mode(training, call):
            span = with_argument(training.source, call, "training", "self.training", 2)
            yield Match(call, {"call": ast.unparse(call.func)}, fix=(span,) if span else None)
        elif isinstance(call.func, ast.Call) and _made_here(training, call.func):
            yield Match(call, {"call": ast.unparse(call.func)})


def _ignores_mode(training: Training, call: ast.Call) -> bool:
    rate = keyword(call, "p", 1)
    told = keyword(call, "training", 2) is not None or is_open(call)
    return not told and constant(rate) != 0 and not _is_property(training, rate)


def _keeps_rate(training: Training, call: ast.Call) -> bool:
    """Return whether attention drops at a rate that nothing makes depend on the mode."""
    rate = keyword(call, "dropout_p", 4)
    origins = [o.expr if o is not None else None for o in training.values.origins(rate)] if rate is not None else []
    return bool(origins) and not is_open(call) and all(_is_rate(training, origin) for origin in (rate, *origins))


def _is_rate(training: Training, rate: ast.expr | None) -> bool:
    """Return whether a value is a rate above 0, set when the module was made: 0.1, self.dropout, config.attn_pdrop."""
    number = constant(rate)
    if isinstance(number, (int, float)):
        return number > 0
    known = isinstance(rate, (ast.Name, ast.Attribute)) and not _is_property(training, rate)
    return known and rate is not None and not _asks_for_mode(training, rate)


def _is_property(training: Training, rate: ast.expr | None) -> bool:
    """Return whether a value is worked out each time by a property of the module, which may ask for the mode."""
    if not isinstance(rate, ast.Attribute) or not is_self(rate.value):
        return False
    return training.script.method(training.script.class_of(rate), rate.attr) is not None


def _asks_for_mode(training: Training, call: ast.AST) -> bool:
    """Return whether a call stands under a question for the mode, or behind one that leaves the method."""
    for node in training.script.ancestors(call):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            before = [n for n in node.body if n.lineno < call.lineno and isinstance(n, ast.If)]  # type: ignore[attr-defined]
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
