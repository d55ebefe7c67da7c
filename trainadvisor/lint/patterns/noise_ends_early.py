"""A noising whose last level still shows the picture: the betas are those of many more steps."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING

from trainadvisor.lint.known_numbers import numbers_of
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What is left of the picture's variance at the last step: 4e-5 with 1,000 steps, 0.02 with 400; from 0.05 on its
# amplitude is above a fifth.
MOST_LEFT = 0.05
FEWEST = 10


@pattern(
    "steps", "last", "left", words=(("linspace",), ("cumprod",), ("randn(",), ("reversed(", "[::-1]", ", -1, -1)"))
)
def noise_ends_early(training: Training) -> Iterator[Match]:
    """Yield betas between two known numbers, over a known number of steps, whose alphas multiply up to too much."""
    for call in training.script.calls_by_name.get("linspace", []):
        given = [keyword(call, name, place) for place, name in enumerate(("start", "end", "steps"))]
        rooted, ends = _roots(given[:2])
        first, last = (_number(training, node) for node in ends)
        steps = _number(training, given[2])
        if first is None or last is None or steps is None or not _is_of_betas(training, call):
            continue
        if not 0 < first < last < 1 or steps < FEWEST:
            continue
        left = _left(first, last, int(steps), squared=rooted and _is_squared(training, call))
        if left > MOST_LEFT:
            values = {"steps": f"{int(steps):,}", "last": f"{last:g}", "left": f"{math.sqrt(left):.0%}"}
            yield Match(call, values)


def _roots(ends: list[ast.expr | None]) -> tuple[bool, list[ast.expr | None]]:
    """Return whether both ends are given as square roots, and of what."""
    inner = [n.left if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow) else None for n in ends]
    return (True, list(inner)) if all(inner) else (False, ends)


def _number(training: Training, node: ast.expr | None) -> float | None:
    """Return the one number that an expression is, wherever the script says what it is."""
    found = set(numbers_of(training, node)) if node is not None else set()
    return float(found.pop()) if len(found) == 1 else None


def _is_of_betas(training: Training, call: ast.Call) -> bool:
    """Return whether numbers are called betas: by the name they get, or by that of their ends."""
    statement = training.script.statement(call)
    function = training.script.function_of(call)
    near = ast.unparse(statement) if statement is not None else ""
    return "beta" in f"{near} {getattr(function, 'name', '')}".lower()


def _is_squared(training: Training, call: ast.Call) -> bool:
    above = training.script.parents.get(call)
    return isinstance(above, ast.BinOp) and isinstance(above.op, ast.Pow)


def _left(first: float, last: float, steps: int, *, squared: bool) -> float:
    """Return the product of all alphas."""
    low, high = (math.sqrt(first), math.sqrt(last)) if squared else (first, last)
    betas = [low + (high - low) * k / (steps - 1) for k in range(steps)]
    return math.prod(1 - (beta**2 if squared else beta) for beta in betas)
