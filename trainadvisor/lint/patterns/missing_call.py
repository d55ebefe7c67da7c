"""A method that is named and not called, and a layer's class that is called with data in place of its object."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source import torch_names
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

METHODS = frozenset({"zero_grad", "backward", "step", "train", "eval"})
LEAST = 2


@pattern("method", words=((".zero_grad", ".backward", ".step", ".train", ".eval"),))
def missing_call(training: Training) -> Iterator[Match]:
    """Yield statements that are nothing but the name of a method."""
    for node in training.script.of_type(ast.Expr):
        value = node.value
        if isinstance(value, ast.Attribute) and value.attr in METHODS and not is_self(value.value):
            text = training.source.segment(value)
            yield Match(value, {"method": ast.unparse(value)}, fix=(replaced(training.source, value, f"{text}()"),))


@pattern("name", words=(("nn.", "Loss", "ReLU", "Softmax"),))
def layer_class_called(training: Training) -> Iterator[Match]:
    """Yield loss classes given output and target, and activations given a tensor: they return a module, not a value."""
    for call in training.script.calls:
        if len(call.args) not in (1, 2) or not called(call)[:1].isupper():
            continue
        name = torch_names.layer(training.script.full(call.func))
        data = name in torch_names.LOSSES and len(call.args) >= LEAST and not call.keywords and _is_data(training, call)
        alone = name in torch_names.ACTIVATIONS and len(call.args) == 1 and training.forward_of(call) is not None
        if data or (alone and _is_tensor(training, call.args[0])):
            yield Match(call, {"name": ast.unparse(call.func)}, fix=_called_later(training, call))


def _called_later(training: Training, call: ast.Call) -> Fix:
    text = training.source.segment(call.func)
    return (replaced(training.source, call.func, f"{text}()"),)


def _is_data(training: Training, call: ast.Call) -> bool:
    """Return whether the arguments are data: from a loop, or a module's output."""
    if not all(isinstance(a, (ast.Name, ast.Call, ast.Subscript)) for a in call.args[:2]):
        return False
    found = [training.loop_values(a) for a in call.args[:2]]
    made = [a for a in call.args[:2] if isinstance(a, ast.Call) and training.operations.modules(a.func)]
    return any(found) or any(made) or "unknown" not in training.operations.kinds(call.args[0])


def _is_tensor(training: Training, value: ast.expr) -> bool:
    """Return whether a value in forward is computed: a layer's output, or the argument of forward."""
    forward = training.forward_of(value)
    arguments = {a.arg for a in forward.args.args} - {"self"} if forward else set()
    if isinstance(value, ast.Name):
        return value.id in arguments or "unknown" not in training.operations.kinds(value)
    return isinstance(value, ast.Call) and is_layer_call(value)


def is_layer_call(call: ast.Call) -> bool:
    """Return whether a call is one of a layer of self."""
    return isinstance(call.func, ast.Attribute) and is_self(call.func.value)
