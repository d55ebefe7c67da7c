"""A count of rounds without improvement that an improvement does not set back, so that it ends the training early."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("count", "limit", "best", words=(("+= 1",), ("<", ">"), ("break", "stop", "return")))
def patience_not_reset(training: Training) -> Iterator[Match]:
    """Yield counts that the worse branch of a comparison with the best raises, and that nothing sets back."""
    for choice in training.script.of_type(ast.If):
        for worse, better in ((choice.body, choice.orelse), (choice.orelse, choice.body)):
            best = _new_best(choice, better)
            if best is not None:
                yield from (m for raised in worse if (m := _raised(training, choice, raised, best)) is not None)


def _raised(training: Training, choice: ast.If, raised: ast.stmt, best: ast.Assign) -> Match | None:
    """Return what is found where a statement raises a count that nothing sets back."""
    if not isinstance(raised, ast.AugAssign) or constant(raised.value) != 1:
        return None
    count, places = ast.unparse(raised.target), _where_it_lives(training, choice, raised.target)
    limit = _limit(places, count)
    if not limit or _is_set(places, count):
        return None
    indent = " " * best.col_offset
    fix = (replaced(training.source, best, f"{training.source.segment(best)}\n{indent}{count} = 0"),)
    return Match(raised, {"count": count, "limit": limit, "best": ast.unparse(best.targets[0])}, best, fix)


def _new_best(choice: ast.If, better: list[ast.stmt]) -> ast.Assign | None:
    """Return where a branch keeps a new best: what it binds stands in the comparison that leads to it."""
    tested = {ast.unparse(n) for n in ast.walk(choice.test) if isinstance(n, (ast.Name, ast.Attribute))}
    compares = any(isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for n in ast.walk(choice.test)
                   if isinstance(n, ast.Compare) for op in n.ops)  # fmt: skip
    kept = [n for n in better if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) in tested]
    return kept[0] if compares and kept else None


def _where_it_lives(training: Training, choice: ast.If, target: ast.expr) -> list[ast.AST]:
    """Return the loops around a count, or the methods of its class but the one that makes it; none elsewhere."""
    if isinstance(target, ast.Name):
        return list(training.script.loops(choice))
    owner = training.script.class_of(choice)
    methods = [n for n in owner.body if isinstance(n, ast.FunctionDef)] if owner is not None else []
    return [n for n in methods if n.name != "__init__"]


def _limit(places: list[ast.AST], count: str) -> str:
    """Return what a count is compared with where that ends something: breaks, returns, or notes a stop."""
    for choice in (n for place in places for n in ast.walk(place) if isinstance(n, ast.If)):
        test = choice.test
        ends = any(isinstance(n, (ast.Break, ast.Return)) or _is_stop(n) for s in choice.body for n in ast.walk(s))
        over = isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Gt, ast.GtE, ast.Eq))
        if over and ends and ast.unparse(test.left) == count:  # type: ignore[attr-defined]
            return ast.unparse(test.comparators[0])  # type: ignore[attr-defined]
    return ""


def _is_stop(node: ast.AST) -> bool:
    """Return whether a node notes that the training is to stop."""
    return isinstance(node, ast.Assign) and "stop" in ast.unparse(node.targets[0]) and constant(node.value) is True


def _is_set(places: list[ast.AST], count: str) -> bool:
    """Return whether anything in some places but an addition binds a count."""
    added = {n.target for place in places for n in ast.walk(place) if isinstance(n, ast.AugAssign) and _adds(n)}
    stores = (n for place in places for n in ast.walk(place) if isinstance(getattr(n, "ctx", None), ast.Store))
    return any(n not in added and ast.unparse(n) == count for n in stores)


def _adds(node: ast.AugAssign) -> bool:
    return isinstance(node.op, ast.Add)
