"""Answers collected from a loader that shuffles, read by the number of a batch in another pass over such a loader."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.answers_reordered import collected, counts, shuffled, shuffles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("answers", "labels", "loader", words=(("shuffle=True",), ("append(", "extend(", "+="), ("enumerate(",)))
def answers_reordered(training: Training) -> Iterator[Match]:
    """Yield where the answers of one shuffled pass are read by number beside the batches of another."""
    for loop in training.script.of_type(ast.For):
        kept = collected(loop)
        for loader, scope, names in shuffled(training, loop, kept) if kept else ():
            for node, batch in _numbered(training, scope, names, loop):
                yield Match(
                    node, {"answers": ast.unparse(node), "labels": batch, "loader": ast.unparse(loader)}, loader
                )
                break


def _numbered(
    training: Training, scope: ast.AST, names: set[str], first: ast.For
) -> Iterator[tuple[ast.Subscript, str]]:
    """Yield where another loop over a shuffling loader reads one of the names by the number of its batch."""
    for loop in training.script.inside(scope):
        if (
            not isinstance(loop, ast.For)
            or loop is first
            or not counts(loop.iter)
            or not isinstance(loop.target, ast.Tuple)
        ):
            continue
        made = training.made(loop.iter.args[0]) if loop.iter.args else None  # type: ignore[attr-defined]
        if made is None or not shuffles(made):
            continue
        number = ast.unparse(loop.target.elts[0])
        for node in ast.walk(loop):
            named = isinstance(node, ast.Subscript) and ast.unparse(node.value) in names
            if named and ast.unparse(node.slice) == number:  # type: ignore[attr-defined]
                yield node, ast.unparse(loop.target.elts[-1])  # type: ignore[misc]
