"""A model that is put into eval mode in each epoch and never back: from the second epoch on it trains so."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import before
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Loop, Training

MODES = ("Dropout", "BatchNorm", "dropout", "models.", "from_pretrained", "timm")


@pattern("model", words=((".eval()",), ("backward(",), MODES))
def eval_mode_in_training(training: Training) -> Iterator[Match]:
    """Yield eval() in a loop that also trains the model, where nothing in the loop calls train()."""
    for call in training.script.calls_by_name.get("eval", []):
        loops = training.script.loops(call)
        if not loops or not isinstance(call.func, ast.Attribute) or call.args:
            continue
        loop, model = loops[-1], ast.unparse(call.func.value)
        nodes = list(training.reached(loop))
        trains = [n for n in nodes if isinstance(n, ast.Call) and called(n) in ("train", "fit")]
        backwards = [n for n in nodes if n in training.backward_set]
        if not backwards or any(_is_train(n) for n in trains) or not _optimized(training, model):
            continue
        yield Match(call, {"model": model}, backwards[0], _trained(training, loop, model))


def _is_train(call: ast.Call) -> bool:
    """Return whether a call may put a model into train mode."""
    return isinstance(call.func, ast.Attribute)


def _optimized(training: Training, model: str) -> bool:
    """Return whether an optimizer of the script was given the parameters of the model."""
    return any(f"{model}.parameters()" in ast.unparse(made) for made in training.optimizers)


def _trained(training: Training, loop: Loop, model: str) -> Fix | None:
    return before(training.source, loop.body[0], f"{model}.train()")
