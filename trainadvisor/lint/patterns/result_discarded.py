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
# What may move itself: a module, a graph, a batch of a library. Its names are tensors only where they are used so.
MOVES = frozenset({"to", "cuda", "cpu", "float", "double", "detach"})
OF_TENSORS = frozenset({"view", "reshape", "flatten", "unsqueeze", "squeeze", "permute", "transpose", "mean", "dim",
                        "long", "argmax", "softmax", "expand", "repeat", "matmul", "sqrt", "exp"})  # fmt: skip
FUNCTIONS = frozenset({"relu", "softmax", "sigmoid", "tanh", "dropout", "log_softmax", "leaky_relu", "max_pool2d"})


@pattern("call", words=(("torch", "nn."),))
def result_discarded(training: Training) -> Iterator[Match]:
    """Yield statements that compute a new tensor from one and drop it."""
    for node in training.script.of_type(ast.Expr):
        call = node.value
        if not isinstance(call, ast.Call) or _is_tried(training, node):
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
        name = call.func.value
        sure = called(call) not in MOVES or (_is_used_as_tensor(training, name) and not _is_timed(training, call))
        return name.id if _is_tensor(training, name) and sure else None
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
    owner = training.script.class_of(call)
    if owner is not None and "hook" in ast.unparse(owner):  # what is wanted is what hooks take on the way
        return False
    layer = training.script.classes.get(called(made[0])) if len(made) == 1 and made[0] is not None else None
    forward = training.script.method(layer, "forward")
    if forward is not None and not any(isinstance(n, ast.Return) and n.value for n in ast.walk(forward)):
        return False
    return len(made) == 1 and made[0] is not None and not made[0].keywords and training.forward_of(call) is not None


def _is_tensor(training: Training, name: ast.Name) -> bool:
    """Return whether a name is a batch of the loop over the data, or an argument or value of forward."""
    bindings = training.script.reaching(name)
    batches = [b for b in bindings if b.kind == "loop" and _is_part(b.path, b.value) and _is_loader(b.value)]
    forward = training.forward_of(name)
    arguments = {a.arg for a in forward.args.args} - {"self"} if forward else set()
    return bool(bindings) and (len(batches) == len(bindings) or (forward is not None and name.id in arguments))


def _is_tried(training: Training, statement: ast.Expr) -> bool:
    """Return whether a statement only asks whether it can be done: in a try, or next to an assert."""
    block = training.block(statement) or []
    near = block[max(block.index(statement) - 1, 0) : block.index(statement) + 2] if statement in block else []
    if any(isinstance(other, ast.Assert) for other in near):
        return True
    for node in training.script.ancestors(statement):
        if isinstance(node, (ast.For, ast.While, ast.FunctionDef, ast.AsyncFunctionDef)):
            return False
        if isinstance(node, ast.Try):
            return True
    return False


def _is_used_as_tensor(training: Training, name: ast.Name) -> bool:
    """Return whether what a name holds is afterwards computed with as only a tensor can be."""
    for use in training.script.inside(training.script.scope(name)):
        if not isinstance(use, ast.Name) or use.id != name.id or use.lineno < name.lineno or use is name:
            continue
        parent = training.script.parents[use]
        if isinstance(parent, (ast.BinOp, ast.UnaryOp)):
            return not isinstance(getattr(parent, "op", None), ast.Not)
        if isinstance(parent, ast.Attribute) and parent.attr in OF_TENSORS:
            return True
        if isinstance(parent, ast.Call) and use in parent.args and _takes_tensors(training, parent):
            return True
    return False


def _takes_tensors(training: Training, call: ast.Call) -> bool:
    """Return whether a call is one of a function or of a layer of torch."""
    made = training.made(call.func)
    layer = made is not None and training.script.full(made.func).startswith("torch.nn.")
    return layer or training.script.full(call.func).startswith(
        ("torch.nn.functional.", "torch.cat", "torch.matmul", "torch.relu", "torch.sum")
    )


def _is_timed(training: Training, call: ast.Call) -> bool:
    """Return whether only the time of a call is taken, with nothing trained around it."""
    nodes = list(training.script.inside(training.script.scope(call)))
    clocks = any(training.script.full(n.func).startswith("time.") for n in nodes if isinstance(n, ast.Call))
    return clocks and not any(n in training.backward_set for n in nodes)


def _is_part(path: tuple[int, ...], value: ast.expr | None) -> bool:
    """Return whether a name is one tensor of a batch; a whole batch may be an object that moves itself."""
    numbered = isinstance(value, ast.Call) and called(value) == "enumerate"
    return len(path) == (2 if numbered else 1)


def _is_loader(value: ast.expr | None) -> bool:
    return value is not None and "load" in ast.unparse(value).lower()
