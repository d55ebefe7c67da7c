"""Episodes whose end step() tells beside the limit of time, of which a script reads the limit alone."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.episode_ends import never_ends
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.terminal_not_masked import REWARD, sides_of_target
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Observation, reward, terminated, truncated, info.
STEP, TERMINATED, TRUNCATED = 5, 2, 3


@pattern("end", "target", words=((".step(",), ("trunc", "time"), ("gamma", "GAMMA", "discount", "0.9")))
def terminal_not_masked(training: Training) -> Iterator[Match]:
    """Yield where the end that step() tells is never read, while that by the limit of time is."""
    if never_ends(training):
        return
    for node in training.script.of_type(ast.Assign):
        parts = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else []
        if len(parts) != STEP or not isinstance(node.value, ast.Call) or called(node.value) != "step":
            continue
        end, limit = parts[TERMINATED], parts[TRUNCATED]
        if not isinstance(end, ast.Name) or end.id.startswith("_") or not isinstance(limit, ast.Name):
            continue
        scope = training.script.scope(node)
        if limit.id != end.id and reads(scope, limit.id) and not reads(training.script.tree, end.id):
            target = next((n for n in training.script.of_type(ast.BinOp) if _goes_on(n)), None)
            if target is not None:
                yield Match(target, {"end": end.id, "target": ast.unparse(target)}, node)


def _goes_on(node: ast.AST) -> bool:
    """Return whether a node adds a discounted value to a reward."""
    sides = sides_of_target(node)
    return sides is not None and any(map(REWARD.fullmatch, names_in(sides[0])))
