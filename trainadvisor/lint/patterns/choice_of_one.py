"""The largest of one output, taken for the predicted class: it is always the first."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.single_output import width
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Losses of one number for each example, which is no score of a class among others.
OF_ONE = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "soft_margin_loss"})
PICKING = {"max": 0, "argmax": 0, "topk": 1}
ALONG = (1, -1)


@pattern("test", "given", "wanted", words=(("max(", "topk("), ("oss", "entropy")))
def threshold_mismatch(training: Training) -> Iterator[Match]:
    """Yield choices of the largest output of a net that gives one for each example."""
    if not training.losses or not {loss.name for loss in training.losses} <= OF_ONE:
        return
    for call in training.script.calls:
        picked = _picked(training, call)
        if picked is None:
            continue
        ends = training.operations.ends(picked)
        if ends and all(width(training, end) == 1 for end in ends):
            yield Match(call, {"test": ast.unparse(call), "given": "(n, 1)", "wanted": "(n, 2)"}, ends[0].node)


def _picked(training: Training, call: ast.Call) -> ast.expr | None:
    """Return the outputs of which a call picks the largest of each row."""
    if called(call) not in PICKING or not isinstance(call.func, ast.Attribute):
        return None
    library = training.script.full(call.func).startswith(("torch.", "numpy."))
    place = PICKING[called(call)] + library
    along = constant(keyword(call, "dim", place) or keyword(call, "axis", place))
    value = next(iter(call.args), None) if library else call.func.value
    while isinstance(value, ast.Attribute) and value.attr == "data":
        value = value.value
    return value if along in ALONG and along is not True else None
