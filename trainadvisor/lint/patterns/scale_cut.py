"""A scale that a floor division cuts to 0: what it multiplies has no effect and no gradient."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.known_numbers import numbers_of
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import Span
from trainadvisor.source.reading import span_of
from trainadvisor.source.syntax import last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SCALES = ("scal", "weight", "coef", "factor", "alpha", "gain", "temperature", "tau", "ratio")


@pattern("division", "name", words=(("//",), SCALES))
def scale_cut_to_zero(training: Training) -> Iterator[Match]:
    """Yield floor divisions kept as a scale whose left side is the smaller one wherever both are known."""
    for node in training.script.of_type(ast.Assign):
        value, name = node.value, last_name(node.targets[0])
        if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.FloorDiv):
            continue
        if not any(word in name.lower() for word in SCALES):
            continue
        tops, bottoms = numbers_of(training, value.left), numbers_of(training, value.right)
        if tops and bottoms and max(tops) < min(bottoms) and min(tops) > 0:
            _, end = span_of(training.source, value.left)
            start, _ = span_of(training.source, value.right)
            fix = (Span(end, start, " / "),) if end[0] == start[0] else None
            yield Match(value, {"division": ast.unparse(value), "name": ast.unparse(node.targets[0])}, fix=fix)
