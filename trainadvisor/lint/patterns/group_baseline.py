"""Rewards of several answers to each prompt that are compared with those to other prompts, not within a group."""

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
    """Yield means of rewards that are viewed as (prompts, answers) over dimension 0, or of one prompt's for all.

    What is a prompt and what an answer is told by how prompts were repeated.
    """
    repeats = [c for c in training.script.calls if called(c) == "repeat_interleave" and c.args]
    groups = {ast.unparse(_count(call)) for call in repeats}
    for call in training.script.calls:
        if called(call) != "mean" or not isinstance(call.func, ast.Attribute):
            continue
        whole = _whole_of_one(training, call, call.func.value)
        view = whole or call.func.value
        place = call if whole else _first_axis(call)
        made = training.values.single(view) if isinstance(view, ast.Name) else view
        sizes = _sizes(made)
        if place is None or sizes is None:
            continue
        rewards = any(word in name.lower() for name in names_in(made) | names_in(view) for word in REWARDS)  # type: ignore[arg-type]
        if ast.unparse(sizes[1]) in groups and ast.unparse(sizes[0]) not in groups and rewards:
            values = {"call": ast.unparse(call), "view": ast.unparse(made), "group": ast.unparse(sizes[1])}  # type: ignore[arg-type]
            right = f"{ast.unparse(whole)}.mean(1, keepdim=True)" if whole else "1"
            yield Match(call, values, made, (replaced(training.source, place, right),))


def _first_axis(call: ast.Call) -> ast.expr | None:
    """Return where a mean is told to run along dimension 0."""
    place = keyword(call, "dim", 0)
    return place if place is not None and constant(place) == 0 and not isinstance(constant(place), bool) else None


def _whole_of_one(training: Training, call: ast.Call, row: ast.expr) -> ast.expr | None:
    """Return all rewards where `rewards[0].mean()` is taken from them, those of the other prompts among them."""
    if not isinstance(row, ast.Subscript) or not isinstance(constant(row.slice), int) or call.args or call.keywords:
        return None
    above = training.script.parents.get(call)
    while isinstance(above, ast.BinOp) and not isinstance(above.op, ast.Sub):
        above = training.script.parents.get(above)
    taken = isinstance(above, ast.BinOp) and ast.unparse(above.left) == ast.unparse(row.value)
    return row.value if taken else None


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
