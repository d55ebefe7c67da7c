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
        place = keyword(call, "dim", 0)
        one = _is_of_one(training, call)
        view = call.func.value.value if one and isinstance(call.func.value, ast.Subscript) else call.func.value
        made = training.values.single(view) if isinstance(view, ast.Name) else view
        sizes = _sizes(made)
        across = place is not None and constant(place) == 0 and not isinstance(constant(place), bool)
        if not (across or one) or sizes is None:
            continue
        rewards = any(word in name.lower() for name in names_in(made) | names_in(view) for word in REWARDS)  # type: ignore[arg-type]
        if ast.unparse(sizes[1]) in groups and ast.unparse(sizes[0]) not in groups and rewards:
            values = {"call": ast.unparse(call), "view": ast.unparse(made), "group": ast.unparse(sizes[1])}  # type: ignore[arg-type]
            right = f"{ast.unparse(view)}.mean(1, keepdim=True)"
            fix = (
                replaced(training.source, call, right)
                if one or place is None
                else replaced(training.source, place, "1")
            )
            yield Match(call, values, made, (fix,))


def _is_of_one(training: Training, call: ast.Call) -> bool:
    """Return whether `rewards[0].mean()` is taken from all rewards, those of the other prompts among them."""
    row = call.func.value  # type: ignore[attr-defined]
    if not isinstance(row, ast.Subscript) or not isinstance(constant(row.slice), int) or call.args or call.keywords:
        return False
    above = training.script.parents.get(call)
    while isinstance(above, ast.BinOp) and not isinstance(above.op, ast.Sub):
        above = training.script.parents.get(above)
    return isinstance(above, ast.BinOp) and ast.unparse(above.left) == ast.unparse(row.value)


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
