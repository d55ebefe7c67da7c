"""Changes of a model that its fault asks for: activations between its layers, checkpoints that pass no gradient."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.mending.fault_edits import mends
from trainadvisor.source.edits import replaced, with_argument
from trainadvisor.source.syntax import called, constant, is_self, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.judge.result import Finding
    from trainadvisor.source.edits import Fix, Span
    from trainadvisor.source.training import Training

CHECKPOINT = "torch.utils.checkpoint.checkpoint"


@mends
def missing_nonlinearity(training: Training, finding: Finding) -> Fix | None:
    """Put tanh around the state of a recurrence, and ReLU between layers that follow each other."""
    del finding
    spans: list[Span] = []
    for owner in training.module_classes:
        forward = training.script.method(owner, "forward")
        if forward is not None and not _is_part(training, owner):
            spans += _activated(training, forward)
    return tuple(spans) or None


def _is_part(training: Training, owner: ast.ClassDef) -> bool:
    """Return whether another class is made of this one, such as an adapter."""
    made = training.script.calls_by_name.get(owner.name, [])
    return any(training.script.class_of(call) is not None for call in made)


def _activated(training: Training, forward: ast.FunctionDef) -> Iterator[Span]:
    """Yield the changes of one forward: of the states in its loops, else of what each further layer is given."""
    text = training.source.segment
    looped = [node for node in ast.walk(forward) if isinstance(node, ast.Assign) and training.script.loops(node)]
    states = [node.value for node in looped if _is_state(training, node)]
    for value in states:
        yield replaced(training.source, value, f"torch.tanh({text(value)})")
    stacks = [node for node in looped if node.value not in states and _is_stacked(training, node)]
    for node in stacks:
        if _goes_on(training, forward, node):
            yield replaced(training.source, node.value, f"torch.relu({text(node.value)})")
    if states or stacks:
        return
    for call in (node for node in ast.walk(forward) if isinstance(node, ast.Call) and len(node.args) == 1):
        if _is_linear(training, call.func) and training.operations.kinds(call.args[0]) == {"linear"}:
            yield replaced(training.source, call.args[0], f"torch.relu({text(call.args[0])})")


def _is_state(training: Training, node: ast.Assign) -> bool:
    """Return whether a statement of a loop computes a name from itself by one linear layer, or by a sum of two."""
    parts = _summed(node.value)
    calls = [part for part in parts if isinstance(part, ast.Call) and _is_linear(training, part.func)]
    return len(calls) == len(parts) and _reads(node)


def _summed(expr: ast.expr) -> list[ast.expr]:
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Add):
        return [*_summed(expr.left), *_summed(expr.right)]
    return [expr]


def _reads(node: ast.Assign) -> bool:
    """Return whether a statement sets a name that its own value is made of."""
    target = node.targets[0]
    names = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
    return isinstance(target, ast.Name) and target.id in names


def _is_stacked(training: Training, node: ast.Assign) -> bool:
    """Return whether a statement applies one layer of a list after the other."""
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or not _reads(node):
        return False
    lists = [b.value for b in training.loop_values(call.func) if b.value is not None]
    makers = [training.values.single(value) for value in lists]
    return bool(makers) and all(_of_linear(training, made) for made in makers)


def _of_linear(training: Training, made: ast.expr | None) -> bool:
    """Return whether a list of modules holds linear layers only."""
    if not isinstance(made, ast.Call) or called(made) != "ModuleList" or len(made.args) != 1:
        return False
    given = made.args[0]
    layers = [given.elt] if isinstance(given, (ast.ListComp, ast.GeneratorExp)) else getattr(given, "elts", [])
    names = [training.script.full(layer.func) for layer in layers if isinstance(layer, ast.Call)]
    return bool(layers) and names == ["torch.nn.Linear"] * len(layers)


def _goes_on(training: Training, forward: ast.FunctionDef, node: ast.Assign) -> bool:
    """Return whether a further layer of the model is given what a loop has computed."""
    name = ast.unparse(node.targets[0])
    later = (call for call in ast.walk(forward) if isinstance(call, ast.Call) and call.lineno > node.lineno)
    return any(
        _is_linear(training, call.func) and any(isinstance(a, ast.Name) and a.id == name for a in call.args)
        for call in later
    )


def _is_linear(training: Training, func: ast.expr) -> bool:
    """Return whether an attribute of the model is one linear layer."""
    if not isinstance(func, ast.Attribute) or not is_self(func.value):
        return False
    made = training.operations.modules(func)
    return len(made) == 1 and made[0] is not None and training.script.full(made[0].func) == "torch.nn.Linear"


@mends
def frozen_parameters(training: Training, finding: Finding) -> Fix | None:
    """Let checkpoints pass gradients although their inputs need none: the reentrant way ends them there."""
    del finding
    spans = [
        with_argument(training.source, call, "use_reentrant", "False")
        for call in training.script.calls_by_name.get("checkpoint", [])
        if training.script.full(call.func) == CHECKPOINT
        if constant(keyword(call, "use_reentrant")) is not False
    ]
    return tuple(span for span in spans if span is not None) or None
