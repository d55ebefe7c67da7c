"""The index of the largest distance that picks from a codebook or from neighbors."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import Span
from trainadvisor.source.reading import span_of
from trainadvisor.source.syntax import called, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

DISTANCE = re.compile(r"(^|_)(dists?|distances?|d2|sq_?dists?)$", re.IGNORECASE)
CODES = re.compile(r"embed|codebook|codes?\b|centroid|prototype|center|label|targets?\b|^y", re.IGNORECASE)
# Where the farthest is wanted: hard examples, points that cover a set, searches for what does not belong.
WANTED = re.compile(r"hard|farthest|furthest|sampl|fps|anchor|outlier|anomal|novel|mining|triplet|hausdorff",
                    re.IGNORECASE)  # fmt: skip


@pattern(
    "taken", "right", words=(("argmax(",), ("dist", "cdist", "d2"), ("mbed", "ode", "entroid", "rototype", "abel"))
)
def farthest_taken(training: Training) -> Iterator[Match]:
    """Yield argmax of distances, with a plus, whose result picks codes, centers or labels."""
    for call in training.script.calls:
        if called(call) != "argmax" or not isinstance(call.func, ast.Attribute):
            continue
        method = not training.script.full(call.func).startswith(("torch.", "numpy."))
        held = call.func.value if method else next(iter(call.args), None)
        function = training.script.function_of(call)
        owner = training.script.class_of(call)
        said = " ".join(n.name for n in (function, owner) if n is not None)
        if held is None or WANTED.search(said) or not _is_distance(training, held):
            continue
        if _picks(training, call):
            _, end = span_of(training.source, call.func)
            fix = (Span((end[0], end[1] - len("argmax")), end, "argmin"),)
            taken = ast.unparse(call)
            yield Match(call, {"taken": taken, "right": taken.replace("argmax", "argmin", 1)}, fix=fix)


def _is_distance(training: Training, node: ast.expr) -> bool:
    """Return whether a value is named as distances, or is what cdist() gives, without a minus."""
    made = training.values.single(node) if isinstance(node, ast.Name) else node
    if isinstance(made, ast.UnaryOp) or (isinstance(made, ast.Call) and called(made) in ("neg", "exp", "softmax")):
        return False
    if isinstance(made, ast.BinOp) and isinstance(made.left, ast.UnaryOp):
        return False
    return (isinstance(made, ast.Call) and called(made) == "cdist") or DISTANCE.search(last_name(node)) is not None


def _picks(training: Training, call: ast.Call) -> bool:
    """Return whether the index picks from a codebook, centers or labels: by a call of an embedding, or as an index."""
    statement = training.script.statement(call)
    name = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is call else None
    scope = training.script.scope(call)
    used = (
        [call] if name is None else [n for n in ast.walk(scope) if isinstance(n, ast.Name) and n.id == last_name(name)]
    )
    for use in used:
        parent = training.script.parents.get(use)
        if isinstance(parent, ast.Call) and use in parent.args and CODES.search(ast.unparse(parent.func)):
            return True
        if isinstance(parent, ast.Subscript) and parent.slice is use and CODES.search(ast.unparse(parent.value)):
            return True
    return False
