"""A tensor that is moved or changed by a method whose result nobody takes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import Span
from trainadvisor.source.reading import span_of
from trainadvisor.source.syntax import called, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

METHODS = frozenset({"to", "cuda", "cpu", "float", "long", "double", "view", "reshape", "squeeze", "unsqueeze",
                     "permute", "transpose", "detach", "clamp", "flatten"})  # fmt: skip
# What changes weights where it ends in an underscore, and computes a new tensor without.
ARITHMETIC = frozenset({"lerp", "mul", "add", "sub", "div", "addcmul", "addcdiv", "clamp", "copy"})
AREAS = ("torch", "torch.nn.functional")
FUNCTIONS = frozenset({"relu", "softmax", "sigmoid", "tanh", "dropout", "log_softmax", "leaky_relu", "max_pool2d"})


@pattern("call", words=(("torch", "nn."),))
def result_discarded(training: Training) -> Iterator[Match]:
    """Yield statements that compute a new tensor from one and drop it."""
    for node in training.script.of_type(ast.Expr):
        call = node.value
        if not isinstance(call, ast.Call):
            continue
        if _is_of_weights(training, call):
            _, end = span_of(training.source, call.func)
            yield Match(call, {"call": ast.unparse(call)}, fix=(Span(end, end, "_"),))
            continue
        name = _changed(training, call)
        if name is not None:
            (line, start), _ = span_of(training.source, call)
            yield Match(call, {"call": ast.unparse(call)}, fix=(Span((line, start), (line, start), f"{name} = "),))


def _is_of_weights(training: Training, call: ast.Call) -> bool:
    """Return whether a call computes from a parameter, as the loop over parameters() names it, or from its data."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in ARITHMETIC or not call.args:
        return False
    owner = call.func.value
    if isinstance(owner, ast.Attribute) and owner.attr == "data":
        owner = owner.value
    if not isinstance(owner, ast.Name):
        return False
    bindings = training.script.reaching(owner)
    return bool(bindings) and all(b.kind == "loop" and _is_weights(b.value) for b in bindings)


def _is_weights(value: ast.expr | None) -> bool:
    """Return whether a loop runs over parameters, or over those of several models side by side."""
    side_by_side = isinstance(value, ast.Call) and called(value) == "zip"
    parts = value.args if isinstance(value, ast.Call) and side_by_side else [value]
    return bool(parts) and all(isinstance(part, ast.Call) and called(part) == "parameters" for part in parts)


def _changed(training: Training, call: ast.Call) -> str | None:
    """Return the name of the tensor that a call computes from in vain."""
    if isinstance(call.func, ast.Attribute) and called(call) in METHODS and isinstance(call.func.value, ast.Name):
        return call.func.value.id if _is_tensor(training, call.func.value) else None
    value = call.args[0] if call.args else None
    plain = called(call) in FUNCTIONS and training.script.full(call.func).rpartition(".")[0] in AREAS
    inplace = any(k.arg in ("inplace", "out") for k in call.keywords)
    if isinstance(value, ast.Name) and not inplace and (plain or _is_activation(training, call)):
        return value.id if _is_tensor(training, value) else None
    return None


def _is_activation(training: Training, call: ast.Call) -> bool:
    """Return whether a call is one of a layer of self that computes no in-place result."""
    if not isinstance(call.func, ast.Attribute) or not is_self(call.func.value):
        return False
    made = training.operations.modules(call.func)
    return len(made) == 1 and made[0] is not None and not made[0].keywords and training.forward_of(call) is not None


def _is_tensor(training: Training, name: ast.Name) -> bool:
    """Return whether a name is a batch of the loop over the data, or an argument or value of forward."""
    bindings = training.script.reaching(name)
    batches = [b for b in bindings if b.kind == "loop" and _is_part(b.path, b.value) and _is_loader(b.value)]
    forward = training.forward_of(name)
    arguments = {a.arg for a in forward.args.args} - {"self"} if forward else set()
    return bool(bindings) and (len(batches) == len(bindings) or (forward is not None and name.id in arguments))


def _is_part(path: tuple[int, ...], value: ast.expr | None) -> bool:
    """Return whether a name is one tensor of a batch; a whole batch may be an object that moves itself."""
    numbered = isinstance(value, ast.Call) and called(value) == "enumerate"
    return len(path) == (2 if numbered else 1)


def _is_loader(value: ast.expr | None) -> bool:
    return value is not None and "load" in ast.unparse(value).lower()
