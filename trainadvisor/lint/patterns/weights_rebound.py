"""New weights that are bound to the name of a loop: the weights themselves stay as they were."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, names_in
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

WEIGHTS = frozenset({"parameters", "buffers"})


@pattern("call", words=(("parameters()", "buffers()", "state_dict()"), ("for ",)))
def result_discarded(training: Training) -> Iterator[Match]:
    """Yield assignments to the variable of a loop over weights that are made of it and that nothing reads."""
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        if len(node.targets) > 1 or not isinstance(target, ast.Name) or target.id not in names_in(node.value, ast.Load):
            continue
        loop = next(iter(training.script.loops(node)), None)
        if not isinstance(loop, ast.For) or target.id not in names_in(loop.target) or not _is_weights(loop.iter):
            continue
        if all(name.lineno <= (node.end_lineno or 0) for name in reads(training.script.scope(node), target.id)):
            fix = (replaced(training.source, node, f"{target.id}.data.copy_({ast.unparse(node.value)})"),)
            yield Match(node, {"call": ast.unparse(node)}, fix=fix)


def _is_weights(value: ast.expr) -> bool:
    """Return whether a loop runs over weights, or over those of several models side by side."""
    if isinstance(value, ast.Call) and called(value) == "zip":
        return any(_is_weights(part) for part in value.args)
    if isinstance(value, ast.Call) and called(value) == "values":
        return "state_dict()" in ast.unparse(value)
    return isinstance(value, ast.Call) and called(value) in WEIGHTS
