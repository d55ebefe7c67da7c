"""Whether the gradients of all processes are averaged, decided between forward and backward: too late for it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

FLAG = "require_backward_grad_sync"


@pattern("seed", words=((FLAG,), ("backward(",)))
def replica_divergence(training: Training) -> Iterator[Match]:
    """Yield settings of the flag that stand behind the call of the model that they are for."""
    for node in training.script.of_type(ast.Assign):
        target, block = node.targets[0], training.block(node)
        if not isinstance(target, ast.Attribute) or target.attr != FLAG or block is None:
            continue
        model, place = ast.unparse(target.value), block.index(node)
        calls = [_calls(statement, model) for statement in block]
        backs = [any(b in set(ast.walk(s)) for b in training.backwards) for s in block]
        if any(calls[:place]) and not any(calls[place:]) and any(backs[place:]) and not any(backs[:place]):
            yield Match(node, {"seed": ast.unparse(node)}, block[calls.index(True)])


def _calls(statement: ast.stmt, model: str) -> bool:
    return any(isinstance(n, ast.Call) and ast.unparse(n.func) == model for n in ast.walk(statement))
