"""A softmax over the examples whose largest value is then picked in each of them, as a router picks its expert."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Calls that pick along a dimension, with the place at which a method is told it.
PICKING = {"max": 0, "argmax": 0, "topk": 1}
LAST = (-1, 1)


@pattern("softmax", "dim", "loss", words=(("softmax",), ("max(", "topk("), ("nn.Module", "Module)")))
def softmax_wrong_dim(training: Training) -> Iterator[Match]:
    """Yield softmaxes of a layer's output over dimension 0 whose result is picked from along the last one."""
    for call in training.script.calls:
        method = isinstance(call.func, ast.Attribute) and not training.script.full(call.func).startswith("torch.")
        if called(call) not in PICKING or not isinstance(call.func, ast.Attribute):
            continue
        held = call.func.value if method else next(iter(call.args), None)
        along = constant(keyword(call, "dim", PICKING[called(call)] + (not method)))
        if along not in LAST and not (called(call) == "topk" and keyword(call, "dim", 2) is None):
            continue
        made = training.values.single(held) if isinstance(held, ast.Name) else held
        place = _over_examples(training, made)
        if isinstance(made, ast.Call) and place is not None:
            values = {"softmax": ast.unparse(made), "dim": "0", "loss": ast.unparse(call)}
            yield Match(made, values, call, (replaced(training.source, place, "-1"),))


def _over_examples(training: Training, made: ast.expr | None) -> ast.expr | None:
    """Return the dimension of a softmax over dimension 0 of what a layer gives for each example."""
    if not isinstance(made, ast.Call) or called(made) != "softmax":
        return None
    method = isinstance(made.func, ast.Attribute) and not training.script.full(made.func).startswith("torch.")
    place = keyword(made, "dim", 0 if method else 1)
    scores = made.func.value if method and isinstance(made.func, ast.Attribute) else next(iter(made.args), None)
    given = training.values.single(scores) if isinstance(scores, ast.Name) else scores
    layer = training.made(given.func) if isinstance(given, ast.Call) else None
    linear = layer is not None and called(layer) in ("Linear", "Sequential")
    return place if place is not None and constant(place) == 0 and constant(place) is not False and linear else None
