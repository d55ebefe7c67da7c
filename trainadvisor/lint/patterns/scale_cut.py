"""A scale that a floor division cuts to 0: what it multiplies has no effect and no gradient."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import Span
from trainadvisor.source.reading import span_of
from trainadvisor.source.syntax import constant, keyword, last_name

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
        tops, bottoms = _numbers(training, value.left), _numbers(training, value.right)
        if tops and bottoms and max(tops) < min(bottoms) and min(tops) > 0:
            _, end = span_of(training.source, value.left)
            start, _ = span_of(training.source, value.right)
            fix = (Span(end, start, " / "),) if end[0] == start[0] else None
            yield Match(value, {"division": ast.unparse(value), "name": ast.unparse(node.targets[0])}, fix=fix)


def _numbers(training: Training, node: ast.expr) -> list[float]:
    """Return the numbers that a value is given in the script, all of them; none where one is not known."""
    found = _of_maker(training, node)
    if found is None:
        origins = training.values.origins(node)
        found = [constant(o.expr) if o is not None and not o.path and not o.loop else None for o in origins]
    numbers = [n for n in found if isinstance(n, (int, float)) and not isinstance(n, bool)]
    return numbers if len(numbers) == len(found) else []


def _of_maker(training: Training, node: ast.expr) -> list[object] | None:
    """Return what the makers of an object give for an argument of its constructor; None for anything else."""
    function, owner = training.script.function_of(node), training.script.class_of(node)
    names = [a.arg for a in function.args.args] if function is not None else []
    if not isinstance(node, ast.Name) or owner is None or function is None or node.id not in names[1:]:
        return None
    if function.name != "__init__":
        return None
    place, spare = names.index(node.id) - 1, len(names) - len(function.args.defaults)
    default = function.args.defaults[place + 1 - spare] if place + 1 >= spare else None
    calls = training.script.calls_by_name.get(owner.name, [])
    return [constant(keyword(call, node.id, place) or default) for call in calls]
