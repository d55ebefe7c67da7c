"""A stop or checkpoint of ignite or skorch that is told by a score, or by a flag, that the worse is the better."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.better import better, direction_of_name
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.best_direction import WORDS
from trainadvisor.source.edits import replaced, with_argument
from trainadvisor.source.syntax import called, constant, is_open, keyword
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("test", "metric", "better", words=(("EarlyStopping", "Checkpoint"), ("ignite", "skorch")))
def best_direction(training: Training) -> Iterator[Match]:
    """Yield scores of ignite that grow as the model gets worse, and stops of skorch for the other kind of metric."""
    for call in training.script.calls:
        full = training.script.full(call.func)
        if is_open(call):
            continue
        if full.startswith("ignite."):
            yield from _of_ignite(training, call, full)
        elif full.startswith("skorch.") and full.endswith(".EarlyStopping"):
            yield from _of_skorch(training, call)


def _of_ignite(training: Training, call: ast.Call, full: str) -> Iterator[Match]:
    """Yield a score of ignite, which keeps what has the largest one and stops where it no longer grows."""
    if full.endswith(".Checkpoint.get_default_score_fn"):
        metric, sign = constant(keyword(call, "metric_name", 0)), keyword(call, "score_sign", 1)
        if isinstance(metric, str) and sign is None and direction_of_name(metric) < 0:
            span = with_argument(training.source, call, "score_sign", "-1.0", 1)
            yield Match(call, _values(call, metric, -1), None, (span,) if span is not None else None)
        return
    given = keyword(call, "score_function", 1 if full.endswith(".EarlyStopping") else None)
    scores = list(_scores(training, given)) if given is not None else []
    if len(scores) == 1 and better(training, scores[0]) < 0:
        minus = replaced(training.source, scores[0], f"-{training.source.segment(scores[0])}")
        simple = isinstance(scores[0], (ast.Name, ast.Attribute, ast.Subscript, ast.Call))
        yield Match(scores[0], _values(call, words_of(scores[0]), -1), call, (minus,) if simple else None)


def _scores(training: Training, given: ast.expr) -> Iterator[ast.expr]:
    """Yield what a function returns that is given by name or written in its place."""
    if isinstance(given, ast.Lambda):
        yield given.body
    elif isinstance(given, ast.Name):
        for function in training.script.functions:
            if function.name == given.id:
                inner = training.script.inside(function)
                yield from (n.value for n in inner if isinstance(n, ast.Return) and n.value is not None)


def _of_skorch(training: Training, call: ast.Call) -> Iterator[Match]:
    """Yield a stop of skorch, which takes the lower for the better unless it is told otherwise."""
    watched, lower = constant(keyword(call, "monitor", 0)), keyword(call, "lower_is_better")
    told = True if lower is None else constant(lower)
    wanted = direction_of_name(watched) if isinstance(watched, str) else 0
    if wanted and isinstance(told, bool) and wanted != (-1 if told else 1):
        span = with_argument(training.source, call, "lower_is_better", str(wanted < 0))
        yield Match(call, _values(call, str(watched), wanted), None, (span,) if span is not None else None)


def _values(call: ast.Call, watched: str, wanted: int) -> dict[str, str]:
    return {"test": f"{called(call)}(...)", "metric": watched, "better": WORDS[wanted]}
