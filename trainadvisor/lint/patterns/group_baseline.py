"""Rewards of several answers to each prompt that are compared across the prompts, not within a group."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.group_axis import REWARDS, VIEWS
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PAIR = 2


@pattern("call", "view", "group", words=(("repeat_interleave(",), ("view(", "reshape("), ("mean(",), REWARDS))
def group_baseline_axis(training: Training) -> Iterator[Match]:
    """Yield means over dimension 0 of rewards that are viewed as (prompts, answers), by how prompts were repeated."""
    repeats = [c for c in training.script.calls if called(c) == "repeat_interleave" and c.args]
    groups = {ast.unparse(_count(call)) for call in repeats}
    for call in training.script.calls:
        if called(call) != "mean" or not isinstance(call.func, ast.Attribute):
            continue
        place = keyword(call, "dim", 0)
        view = call.func.value
        made = training.values.single(view) if isinstance(view, ast.Name) else view
        sizes = _sizes(made)
        if place is None or constant(place) != 0 or isinstance(constant(place), bool) or sizes is None:
            continue
        rewards = any(word in name.lower() for name in names_in(made) | names_in(view) for word in REWARDS)  # type: ignore[arg-type]
        if ast.unparse(sizes[1]) in groups and ast.unparse(sizes[0]) not in groups and rewards:
            values = {"call": ast.unparse(call), "view": ast.unparse(made), "group": ast.unparse(sizes[1])}  # type: ignore[arg-type]
            yield Match(call, values, made, (replaced(training.source, place, "1"),))


def _count(repeat: ast.Call) -> ast.expr:
    """Return how often each prompt is repeated: x.repeat_interleave(n), torch.repeat_interleave(x, n)."""
    method = isinstance(repeat.func, ast.Attribute) and getattr(repeat.func.value, "id", "") != "torch"
    return repeat.args[0] if method or len(repeat.args) < PAIR else repeat.args[1]


def _sizes(made: ast.expr | None) -> list[ast.expr] | None:
    """Return the two sizes of a view."""
    if not isinstance(made, ast.Call) or called(made) not in VIEWS:
        return None
    sizes = made.args[0].elts if len(made.args) == 1 and isinstance(made.args[0], ast.Tuple) else made.args
    return list(sizes) if len(sizes) == PAIR else None
