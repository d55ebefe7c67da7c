"""Gradients clipped behind the step that used them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import moved
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

CLIPS = frozenset({"clip_grad_norm_", "clip_grad_norm", "clip_grad_value_", "clip_gradients"})


@pattern("clip", "step", words=(("clip_grad",), (".step(",)))
def clip_after_step(training: Training) -> Iterator[Match]:
    """Yield clippings that come behind the step of their round, where no gradient is made in between."""
    for clip in training.script.calls:
        statement = training.script.statement(clip)
        block = training.block(statement)
        if called(clip) not in CLIPS or statement is None or block is None or not isinstance(statement, ast.Expr):
            continue
        before = block[: block.index(statement)]
        calls = [_call(training, s) for s in before]
        steps = [n for n, kind in enumerate(calls) if kind == "step"]
        backwards = [n for n, kind in enumerate(calls) if kind == "backward"]
        if not steps or not backwards or not backwards[-1] < steps[-1] or _again(training, block, statement):
            continue
        step = before[steps[-1]]
        values = {"clip": ast.unparse(clip.func), "step": ast.unparse(step)}
        yield Match(clip, values, step, moved(training.source, statement, block, step))


def _call(training: Training, statement: ast.stmt) -> str:
    """Return what a statement of its own does: "backward", "step" or ""."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if call in training.backward_set:
        return "backward"
    return "step" if call in training.steps or call in training.scaled_steps else ""


def _again(training: Training, block: list[ast.stmt], statement: ast.stmt) -> bool:
    """Return whether a step follows the clipping too, as with several optimizers."""
    return any(_call(training, later) == "step" for later in block[block.index(statement) + 1 :])
