"""Risk sets of a survival loss summed along rows that nothing has put in the order of their times."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

EVENT = re.compile(r"(^|_)(events?|censor\w*|status|observed|died|deaths?|uncensored)($|_)", re.IGNORECASE)
# What puts rows in order, or compares all times with each other.
ORDERED = re.compile(r"sort|searchsorted|topk|flip|order|nlargest|nsmallest|>=|<=|risk_mat|tril|triu|at_risk")

TOLD = re.compile(r"\border by\b|sorted", re.IGNORECASE)


@pattern("sums", "event", words=(("cumsum",), ("exp",), ("event", "censor", "status", "observed", "death", "died")))
def risk_set_unsorted(training: Training) -> Iterator[Match]:
    """Yield sums of exponentials along a batch beside an indicator of events, in scripts that sort nothing."""
    if ORDERED.search(_bare(training)):
        return
    for call in training.script.calls:
        around = training.script.function_of(call) or next(iter(training.script.loops(call)), None)
        if around is None or not _sums(training, call) or not _is_along_batch(call):
            continue
        event = next((n.id for n in ast.walk(around) if isinstance(n, ast.Name) and EVENT.search(n.id)), "")
        if event:
            yield Match(call, {"sums": ast.unparse(call), "event": event}, around)


def _bare(training: Training) -> str:
    """Return a script without its texts, but for those that are asked in a database or name an ordered file."""
    tree = ast.parse(training.source.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = "sorted" if TOLD.search(node.value) else ""
    return ast.unparse(tree)


def _is_along_batch(call: ast.Call) -> bool:
    """Return whether a sum goes along the first axis, where the rows are: those of bins of time go along another."""
    axes = [*call.args, keyword(call, "dim"), keyword(call, "axis")]
    return not any(isinstance(value := constant(axis), int) and value > 0 for axis in axes if axis is not None)


def _sums(training: Training, call: ast.Call) -> bool:
    """Return whether a call is logcumsumexp(x), or the cumulative sum of exponentials."""
    if called(call) == "logcumsumexp":
        return True
    if called(call) != "cumsum":
        return False
    method = call.func.value if isinstance(call.func, ast.Attribute) else None
    inner = call.args[0] if training.script.full(call.func).startswith("torch.") and call.args else method
    made = training.values.single(inner) if isinstance(inner, ast.Name) else inner
    return isinstance(made, ast.Call) and called(made) == "exp"
