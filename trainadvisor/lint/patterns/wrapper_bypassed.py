"""A training whose forward goes past the wrapper that averages the gradients of all processes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

WRAPPERS = frozenset({"DistributedDataParallel", "DDP"})


@pattern("seed", words=(("DistributedDataParallel",), ("backward(",)))
def replica_divergence(training: Training) -> Iterator[Match]:
    """Yield calls of the inner model in front of a backward pass of the same block, where nothing calls the wrapper."""
    past = [call for call in training.methods("module") if _is_wrapped(training, call.func.value)]  # type: ignore[attr-defined]
    past += [call for call in training.script.calls if _is_inner(training, call.func)]
    whole = [call for call in training.script.calls if _is_wrapped(training, call.func)]
    if whole or any(called(call) == "all_reduce" and ".grad" in ast.unparse(call) for call in training.script.calls):
        return
    for call in past:
        statement = training.script.statement(call)
        block = training.block(statement) or []
        behind = [s for b in training.backwards if (s := training.script.statement(b)) in block and s is not None]
        if statement in block and behind and block.index(statement) <= block.index(behind[-1]):
            yield Match(call, {"seed": ast.unparse(call)}, behind[-1])
            return


def _is_inner(training: Training, node: ast.expr) -> bool:
    """Return whether a name holds a model that was given to a wrapper, which has another name."""
    if not isinstance(node, ast.Name) or _is_wrapped(training, node):
        return False
    given = {ast.unparse(c.args[0]) for c in training.script.calls if called(c) in WRAPPERS and c.args}
    return node.id in given


def _is_wrapped(training: Training, node: ast.expr) -> bool:
    """Return whether a name holds a model that was wrapped for several processes."""
    bound = training.script.reaching(node) if isinstance(node, ast.Name) else []
    return any(isinstance(b.value, ast.Call) and called(b.value) in WRAPPERS for b in bound)
