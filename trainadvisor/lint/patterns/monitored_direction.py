"""A schedule, a stop or a checkpoint that watches a metric and is told the wrong way round, or not told at all."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.better import better, direction_of_name
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.best_direction import WORDS
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import called, constant, is_open, keyword
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MODES = {"min": -1, "max": 1}


@pattern("test", "metric", "better", words=(("ReduceLROnPlateau", "monitor=", "metric_for_best_model"),))
def best_direction(training: Training) -> Iterator[Match]:
    """Yield plateau schedules, stops and checkpoints whose mode does not fit the metric that they are given."""
    for call in training.script.calls:
        if is_open(call):
            continue
        if called(call) == "ReduceLROnPlateau":
            yield from _of_plateau(training, call)
        elif called(call) in ("EarlyStopping", "ModelCheckpoint"):
            watched, full = constant(keyword(call, "monitor")), training.script.full(call.func)
            if isinstance(watched, str) and ("lightning" in full or keyword(call, "mode") is not None):
                yield from _told(training, call, watched, direction_of_name(watched), _mode(call))
        watched = constant(keyword(call, "metric_for_best_model"))
        if isinstance(watched, str):
            greater = constant(keyword(call, "greater_is_better"))
            side = 1 if greater is True or (greater is None and not watched.endswith("loss")) else -1
            known = greater is None or isinstance(greater, bool)
            if known and (wanted := direction_of_name(watched)) and side != wanted:
                told = keyword(call, "greater_is_better")
                holds = told or keyword(call, "metric_for_best_model") or call
                span = with_argument(training.source, call, "greater_is_better", str(wanted > 0))
                yield Match(holds, _values(call, watched, wanted), None, (span,) if span is not None else None)


def _of_plateau(training: Training, call: ast.Call) -> Iterator[Match]:
    """Yield a plateau schedule that is stepped with a metric of the other side, or watches one by Lightning."""
    for step in training.methods("step"):
        given = keyword(step, "metrics", 0)
        if given is not None and training.made(step.func.value) is call:  # type: ignore[attr-defined]
            yield from _told(training, call, words_of(given), better(training, given), _mode(call, 1), step)
    for node in training.script.of_type(ast.Dict):
        held = {constant(key): value for key, value in zip(node.keys, node.values, strict=True)}
        schedule, watched = held.get("scheduler"), constant(held.get("monitor"))
        if schedule is not None and isinstance(watched, str) and _is_made(training, schedule, call):
            yield from _told(training, call, watched, direction_of_name(watched), _mode(call, 1))


def _is_made(training: Training, given: ast.expr, call: ast.Call) -> bool:
    return given is call or training.made(given) is call


def _mode(call: ast.Call, place: int | None = None) -> int:
    """Return the side that a call is told, or takes by itself; 0 where it is not written here."""
    given = keyword(call, "mode", place)
    return -1 if given is None else MODES.get(str(constant(given)), 0)


def _told(
    training: Training, call: ast.Call, watched: str, wanted: int, side: int, step: ast.Call | None = None
) -> Iterator[Match]:
    if wanted and side and side != wanted:
        place = 1 if called(call) == "ReduceLROnPlateau" else None
        span = with_argument(training.source, call, "mode", repr(WORDS[wanted]), place)
        yield Match(call, _values(call, watched, wanted), step, (span,) if span is not None else None)


def _values(call: ast.Call, watched: str, wanted: int) -> dict[str, str]:
    return {"test": f"{called(call)}(...)", "metric": watched, "better": WORDS[wanted]}
