"""Answers that follow each other prompt by prompt, and a view that takes them for all prompts answer by answer."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

VIEWS = frozenset({"view", "reshape"})
REPEATS = frozenset({"repeat_interleave", "repeat"})
REWARDS = ("reward", "score", "return", "adv")
MOVES = frozenset({"transpose", "permute", "swapaxes", "t"})
NO_PROMPTS = re.compile(
    r"torch\.(ones|zeros|arange|full)\(|unsqueeze\(0\)|\[None\]|\[:1\]|\((prompt|question|query|text|problem)\b(?!\[)"
)
PAIR = 2


@pattern("call", "right", words=(("repeat",), ("view(", "reshape("), REWARDS))
def scrambled_axes(training: Training) -> Iterator[Match]:
    """Yield views of rewards whose group axis is where the prompts are, by how these were repeated."""
    calls = [c for c in training.script.calls if called(c) in REPEATS and not _is_settled(training, c)]
    repeated = [size for call in calls if (size := _repeated(call)) is not None]
    if len({kind for kind, _ in repeated}) != 1:
        return
    side, group = repeated[0][0], {ast.unparse(size) for _, size in repeated}
    for call in training.script.calls:
        sizes = _viewed(call)
        if sizes is None or ast.unparse(sizes[1 - side]) not in group or constant(sizes[side]) != -1:
            continue
        array = call.func.value  # type: ignore[attr-defined]
        if any(word in name.lower() for name in names_in(array) for word in REWARDS):
            right = f"{ast.unparse(array)}.{called(call)}({ast.unparse(sizes[1])}, {ast.unparse(sizes[0])})"
            yield Match(call, {"call": ast.unparse(call), "right": right})


def _is_settled(training: Training, call: ast.Call) -> bool:
    """Return whether something else or one prompt alone is repeated, or the copies get another order behind that."""
    made = training.values.single(call.func.value) if isinstance(call.func, ast.Attribute) else None
    if NO_PROMPTS.search(ast.unparse(made or call.func)):
        return True
    statement = training.script.statement(call)
    names = names_in(statement.targets[0]) if isinstance(statement, ast.Assign) else set()
    return any(names & names_in(c.func) for c in training.script.calls if called(c) in MOVES)


def _repeated(call: ast.Call) -> tuple[int, ast.expr] | None:
    """Return on which axis of a view the group lies, and its size: a.repeat_interleave(G, 0), or a.repeat(G, 1)."""
    if not isinstance(call.func, ast.Attribute) or not call.args:
        return None
    if called(call) == "repeat_interleave":
        dim = keyword(call, "dim", 1)
        return (1, call.args[0]) if constant(dim) == 0 and not isinstance(call.args[0], ast.Constant) else None
    rest = [constant(size) == 1 for size in call.args[1:]]
    return (0, call.args[0]) if rest and all(rest) and not isinstance(call.args[0], ast.Constant) else None


def _viewed(call: ast.Call) -> list[ast.expr] | None:
    """Return the two sizes of a view."""
    if called(call) not in VIEWS or not isinstance(call.func, ast.Attribute):
        return None
    sizes = call.args[0].elts if len(call.args) == 1 and isinstance(call.args[0], ast.Tuple) else call.args
    return list(sizes) if len(sizes) == PAIR else None
