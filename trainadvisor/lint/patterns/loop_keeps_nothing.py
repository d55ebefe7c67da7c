"""Evaluations whose loop only sets names: what is compared behind it is the last batch."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.last_batch_metric import AT_ONCE, behind, is_of_batches
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("count", "figure", words=((" in ",), ("==", "eq(")))
def metric_of_last_batch(training: Training) -> Iterator[Match]:
    """Yield comparisons of what a loop over batches has set, where the loop adds nothing up."""
    if AT_ONCE.search(words_of(training.script.tree)):
        return
    for loop in training.script.of_type(ast.For):
        if not is_of_batches(loop) or not all(isinstance(s, ast.Assign) for s in _statements(loop.body)):
            continue
        own = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for node in behind(training, loop):
            if isinstance(node, ast.Name) and node.id in own and isinstance(node.ctx, ast.Store):
                break
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
                sides = [names_in(side) & own for side in (node.left, *node.comparators)]
                if all(sides):
                    yield Match(node, {"count": min(sides[0]), "figure": words_of(node)}, loop)
                    break


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a block and of the contexts in it."""
    for statement in body:
        yield from _statements(statement.body) if isinstance(statement, ast.With) else [statement]
