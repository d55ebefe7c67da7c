"""The chosen answer taken from the end of a ranking that holds the worst."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

BETTER = re.compile(
    r"(chosen|preferred|winner|accepted)(_(text|response|answer|completion|output|reply))?", re.IGNORECASE
)
# Of these more is better; of a rank or a loss less is.
SCORE = re.compile(r"(score|rating|reward|votes?|upvotes|stars)\W*$", re.IGNORECASE)
ENDS = {0: -1, -1: 1}


@pattern("term", "score", words=(("chosen", "preferred", "winner", "accepted"), ("sorted(", ".sort(")))
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield what is called the chosen of a pair and is the entry with the lowest score."""
    for name, value in _named(training):
        taken = _taken(value)
        ranking = _ranking(training, taken[0]) if taken is not None else None
        if taken is None or ranking is None or ranking[1] * taken[1] > 0:
            continue
        call, fix = ranking[0], None
        if keyword(call, "reverse") is None:
            span = with_argument(training.source, call, "reverse", "True")
            fix = (span,) if span is not None else None
        yield Match(call, {"term": ast.unparse(value), "score": name}, value, fix)


def _named(training: Training) -> Iterator[tuple[str, ast.expr]]:
    """Yield what a script calls the better one of a pair: under a key, or as a variable."""
    for keyed in training.script.of_type(ast.Dict):
        for key, value in zip(keyed.keys, keyed.values, strict=True):
            if isinstance(name := constant(key), str) and BETTER.fullmatch(name):
                yield name, value
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Name) and BETTER.fullmatch(target.id):
            yield target.id, node.value


def _taken(value: ast.expr) -> tuple[ast.expr, int] | None:
    """Return the list that a value is the first (-1) or the last (1) entry of, or a part of that entry."""
    while isinstance(value, (ast.Subscript, ast.Attribute)):
        end = constant(value.slice) if isinstance(value, ast.Subscript) else None
        if isinstance(value, ast.Subscript) and type(end) is int and end in ENDS:
            return value.value, ENDS[end]
        value = value.value
    return None


def _ranking(training: Training, entries: ast.expr) -> tuple[ast.Call, int] | None:
    """Return the call that sorts a list by a score, with 1 where the highest comes last and -1 where it comes first."""
    made = training.made(entries) if isinstance(entries, ast.Name) else entries
    call = made if isinstance(made, ast.Call) and called(made) == "sorted" else None
    if call is None:
        sorts = [c for c in training.methods("sort") if ast.unparse(c.func) == f"{ast.unparse(entries)}.sort"]
        call = sorts[0] if len(sorts) == 1 else None
    key, turned = (keyword(call, "key"), keyword(call, "reverse")) if call is not None else (None, None)
    body = key.body if isinstance(key, ast.Lambda) else None
    falls = constant(turned) if turned is not None else False
    if call is None or body is None or not isinstance(falls, bool):
        return None
    if isinstance(body, ast.UnaryOp) and isinstance(body.op, ast.USub):
        body, falls = body.operand, not falls
    return (call, -1 if falls else 1) if SCORE.search(ast.unparse(body)) else None
