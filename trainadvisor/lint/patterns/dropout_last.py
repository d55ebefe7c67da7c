"""Dropout on what a model answers."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source import torch_names
from trainadvisor.source.syntax import called, keyword
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

DROPOUTS = re.compile(r"^(Alpha|FeatureAlpha)?Dropout[123]?d?$")
# Layers and methods that a number goes through on its way out.
OUT = frozenset({"squeeze", "view", "reshape", "flatten"})


@pattern("dropped", "loss", words=(("ropout",), ("loss", "criterion")))
def dropout_on_outputs(training: Training) -> Iterator[Match]:
    """Yield dropouts whose result, straight from a linear layer, is what a loss is given."""
    seen: set[ast.AST] = set()
    for loss in training.losses:
        for module in _answering(training, loss.input):
            found = _last_dropout(training, module)
            if found is not None and found not in seen:
                seen.add(found)
                yield Match(found, {"dropped": words_of(found), "loss": words_of(loss.call)}, loss.call)


def _answering(training: Training, given: ast.expr) -> Iterator[ast.Call]:
    """Yield the calls that made the models whose result a loss is given as it is."""
    for origin in training.values.origins(_bare(given)):
        call = origin.expr if origin is not None and not origin.path and not origin.loop else None
        if isinstance(call, ast.Call):
            call = _bare(call)
        if isinstance(call, ast.Call):
            yield from filter(None, training.operations.modules(call.func))


def _bare(value: ast.expr) -> ast.expr:
    """Return a value without changes of its shape."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in OUT:
        value = value.func.value
    return value


def _last_dropout(training: Training, module: ast.Call) -> ast.Call | None:
    """Return the dropout that a model ends with behind a linear layer."""
    name = torch_names.layer(training.script.full(module.func))
    if name == "Sequential":
        layers = training.operations.layers(module) or []
        last = [layer for layer in layers[-2:] if isinstance(layer, ast.Call)]
        return last[1] if len(last) == 2 and _is_linear(training, last[0]) and _drops(training, last[1]) else None  # noqa: PLR2004 - a pair
    returned = training.operations.returns(module)
    value = returned[0] if len(returned) == 1 else None
    owner = training.operations.user_class(module)
    if not isinstance(value, ast.expr) or owner is None:
        return None
    value = _behind(training, value)
    inner = _behind(training, value.args[0]) if isinstance(value, ast.Call) and value.args else None
    if not isinstance(value, ast.Call) or not isinstance(inner, ast.Call):
        return None
    functional = training.script.full(value.func) in ("torch.nn.functional.dropout", "torch.dropout")
    drops = functional or any(m is not None and _drops(training, m) for m in training.operations.modules(value.func))
    linear = [m for m in training.operations.modules(inner.func) if m is not None and _is_linear(training, m)]
    return value if drops and linear else None


def _behind(training: Training, value: ast.expr) -> ast.expr:
    """Return what a value was computed by, changes of its shape left out."""
    before = None
    while value is not before:
        before = value
        value = _bare(training.values.single(value) or value)
    return value


def _drops(training: Training, layer: ast.Call) -> bool:
    name = torch_names.layer(training.script.full(layer.func))
    rate = keyword(layer, "p", 0)
    return DROPOUTS.match(name) is not None and not (isinstance(rate, ast.Constant) and rate.value == 0)


def _is_linear(training: Training, layer: ast.Call) -> bool:
    return torch_names.layer(training.script.full(layer.func)) in torch_names.LINEAR or called(layer) == "LazyLinear"
