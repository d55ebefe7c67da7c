"""Losses that are summed up or listed with their graphs: each keeps the memory of its step."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("total", "loss", words=((".backward(",), ("+=",)))
def memory_growth(training: Training) -> Iterator[Match]:
    """Yield sums over the steps of the loss itself, not of its number, that no gradient is computed of."""
    for backward in training.backwards:
        loss = backward.func.value if isinstance(backward.func, ast.Attribute) else None
        loops = training.script.loops(backward)
        if not isinstance(loss, ast.Name) or not loops or backward.args or backward.keywords:
            continue
        for node in ast.walk(loops[0]):
            if isinstance(node, ast.AugAssign) and training.script.loops(node)[:1] == loops[:1]:
                name = _bare(node.value, loss.id)
                if name is not None and _same_value(training, name, loss) and _only_shown(training, node):
                    values = {"total": ast.unparse(node.target), "loss": loss.id}
                    yield Match(node, values, backward, (replaced(training.source, name, f"{loss.id}.item()"),))


def _bare(value: ast.expr, name: str) -> ast.Name | None:
    """Return the loss where a value is the loss itself, or its product or quotient with something."""
    while isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Mult, ast.Div)):
        value = value.left
    return value if isinstance(value, ast.Name) and value.id == name else None


def _same_value(training: Training, name: ast.Name, loss: ast.Name) -> bool:
    """Return whether a name still means the tensor that backward was called on."""
    bound = training.script.reaching(name)
    return bool(bound) and bound == training.script.reaching(loss)


def _only_shown(training: Training, node: ast.AugAssign) -> bool:
    """Return whether a sum starts as the number 0 and is never detached, cut or differentiated."""
    if not isinstance(node.op, ast.Add) or not isinstance(node.target, ast.Name):
        return False
    name = node.target.id
    bound = training.script.bindings(training.script.scope(node)).get(name, [])
    others = [b for b in bound if b.statement is not node and b.kind != "augmented"]
    starts = bool(others) and all(b.value is not None and constant(b.value) == 0 for b in others)
    words = ("backward", "detach", "item", "autograd", "grad")
    used = [
        call
        for call in training.script.calls
        if called(call) in words and any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(call))
    ]
    return starts and not used and not _returned(training, name)


def _returned(training: Training, name: str) -> bool:
    """Return whether a sum leaves its function whole, where something else may be done with it."""
    nodes = training.script.of_type(ast.Return)
    return any(isinstance(n, ast.Name) and n.id == name for r in nodes if r.value for n in ast.walk(r.value))
