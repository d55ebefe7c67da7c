"""A best value that is sought the wrong way round: the worst weights are kept, or training stops as it gets better."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.better import better, says_no_direction
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

BEST = re.compile(r"(^|_|\.)(best|lowest|highest)|best(_|$)|(^|_|\.)(min|max)_\w*(loss|acc|err|score|f1|auc|iou)")
IMPROVED = re.compile(r"^(is|if|has|new)_?(best|better|improved?)$|^improved?$|^better$", re.IGNORECASE)
HELD_OUT = re.compile(r"(^|_|\.)(val|valid|validation|dev|test|eval|epoch)", re.IGNORECASE)
KEPT = re.compile(r"torch\.save|state_dict|deepcopy|save_|\.save\(|checkpoint|patience|counter|epoch|stop|wait")
# What makes a model worse on purpose looks for the largest loss.
ATTACK = re.compile(r"adv|attack|perturb|delta_?(img|x)|trigger|worst|hard(est)?_", re.IGNORECASE)
SIDES = {ast.Lt: -1, ast.LtE: -1, ast.Gt: 1, ast.GtE: 1}
WORDS = {1: "max", -1: "min"}
TURNED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
OPPOSITE = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@pattern("test", "metric", "better", words=(("best", "min_", "max_", "lowest", "highest", "improve", "better"),))
def best_direction(training: Training) -> Iterator[Match]:
    """Yield comparisons, min() and max() after which the worse of two values of a metric counts as the best."""
    for node in training.script.of_type(ast.If):
        for current, best, compare in _compared(node.test):
            improves = _improves(node, current, best)
            if improves and _selects(training, node, current):
                yield from _judged(training, compare, current, best, improves)
    for assign in training.script.of_type(ast.Assign):
        name, value = words_of(assign.targets[0]), assign.value
        if isinstance(value, ast.Compare) and IMPROVED.search(name):
            for current, best, compare in _compared(value):
                yield from _judged(training, compare, current, best, 1)
        elif isinstance(value, ast.Call) and BEST.search(name):
            yield from _of_extreme(training, name, value)


def _compared(test: ast.expr) -> Iterator[tuple[ast.expr, ast.expr, ast.Compare]]:
    """Yield the value that is new, the one that was best, and their comparison, in a condition."""
    tests = test.values if isinstance(test, ast.BoolOp) else [test]
    for compare in tests:
        if isinstance(compare, ast.Compare) and len(compare.ops) == 1 and type(compare.ops[0]) in SIDES:
            left, right = compare.left, compare.comparators[0]
            if BEST.search(words_of(right)) and not BEST.search(words_of(left)):
                yield left, right, compare
            elif BEST.search(words_of(left)) and not BEST.search(words_of(right)):
                yield right, left, compare


def _improves(node: ast.If, current: ast.expr, best: ast.expr) -> int:
    """Return 1 where a condition that holds makes the new value the best, -1 where one that fails does, else 0."""

    def renews(block: list[ast.stmt]) -> bool:
        return any(
            isinstance(s, ast.Assign)
            and words_of(s.value) == words_of(current)
            and any(words_of(t) in _names(best) for t in s.targets)
            for s in block
        )

    first, second = renews(node.body), renews(node.orelse)
    return 0 if first == second else 1 if first else -1


def _names(best: ast.expr) -> set[str]:
    return {words_of(n) for n in ast.walk(best) if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript))}


def _selects(training: Training, node: ast.If, current: ast.expr) -> bool:
    """Return whether a condition chooses weights or ends a training, and is no search for what harms a model."""
    body = "\n".join(words_of(s) for s in (*node.body, *node.orelse))
    function = training.script.function_of(node)
    around = f"{getattr(function, 'name', '')} {words_of(node.test)} {body}"
    kept = KEPT.search(body) or HELD_OUT.search(words_of(current))
    return kept is not None and not ATTACK.search(around)


def _judged(
    training: Training, compare: ast.Compare, current: ast.expr, best: ast.expr, improves: int
) -> Iterator[Match]:
    """Yield a comparison whose side does not agree with the metric, or with what the best is called."""
    if any(says_no_direction(name) for name in (_plain(current), *filter(BEST.search, _names(best)))):
        return
    side = SIDES[type(compare.ops[0])] * (1 if compare.left is current else -1) * improves
    wanted = better(training, current) or better(training, best)
    if wanted and side != wanted and not _says_worst(best, side):
        values = {"test": words_of(compare), "metric": words_of(current), "better": WORDS[wanted]}
        yield Match(compare, values, fix=_turned(training, compare))


def _plain(current: ast.expr) -> str:
    """Return what a value is called, "" for one that is computed on the spot: a margin is no part of its name."""
    return words_of(current) if isinstance(current, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)) else ""


def _says_worst(best: ast.expr, side: int) -> bool:
    """Return whether a value is called the largest or smallest, and that is what is kept: no best is meant."""
    text = words_of(best)
    return re.search(r"(^|_|\.)(max|highest)_" if side > 0 else r"(^|_|\.)(min|lowest)_", text) is not None


def _turned(training: Training, compare: ast.Compare) -> Fix | None:
    """Return the comparison the other way round, where it is written on one line with nothing added."""
    left, right = (training.source.segment(part) for part in (compare.left, compare.comparators[0]))
    plain = all(isinstance(part, (ast.Name, ast.Attribute)) for part in (compare.left, compare.comparators[0]))
    operator = OPPOSITE[TURNED[type(compare.ops[0])]]
    return (replaced(training.source, compare, f"{left} {operator} {right}"),) if plain else None


def _of_extreme(training: Training, name: str, call: ast.Call) -> Iterator[Match]:
    """Yield a best that is the min() of what should be large, or the place of one."""
    side = {"min": -1, "argmin": -1, "max": 1, "argmax": 1}.get(called(call), 0)
    if called(call) == "index" and len(call.args) == 1 and isinstance(call.args[0], ast.Call):
        side = {"min": -1, "max": 1}.get(called(call.args[0]), 0)
    if called(call) == "int" and call.args and isinstance(call.args[0], ast.Call):
        yield from _of_extreme(training, name, call.args[0])
        return
    given = None if says_no_direction(name) else _measured(call)
    wanted = better(training, given) if given is not None else 0
    own = isinstance(call.func, ast.Name) and called(call) in ("min", "max") and len(call.args) > 1
    fits = not own or HELD_OUT.search(words_of(call)) or wanted > 0
    if side and wanted and side != wanted and fits and not ATTACK.search(f"{name} {words_of(call)}"):
        yield Match(call, {"test": f"{name} = {words_of(call)}", "metric": words_of(given), "better": WORDS[wanted]})  # type: ignore[arg-type]


def _measured(call: ast.Call) -> ast.expr | None:
    """Return what is compared in a min() or max(): the key, the list, or the value beside the best."""
    key = next((k.value for k in call.keywords if k.arg == "key"), None)
    if isinstance(key, ast.Lambda):
        return key.body
    if called(call) == "index" or key is not None:
        asked = call.args[0] if called(call) == "index" and call.args else None
        return asked.args[0] if isinstance(asked, ast.Call) and asked.args else None
    fresh = [a for a in call.args if not BEST.search(words_of(a))]
    own = call.func.value if isinstance(call.func, ast.Attribute) and not call.args else None
    return own or (fresh[0] if fresh else None)
