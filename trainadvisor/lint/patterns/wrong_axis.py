"""An axis taken for another one: a softmax over the examples of a batch."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import LossCall, Training

OF_ROWS = frozenset({"cross_entropy", "nll_loss", "kl_div", "binary_cross_entropy"})
SOFTMAXES = frozenset({"softmax", "log_softmax"})


@pattern("softmax", "dim", "loss", words=(("oftmax",), ("oss", "entropy")))
def softmax_wrong_dim(training: Training) -> Iterator[Match]:
    """Yield softmaxes over dimension 0 whose result a loss over a batch of the data is computed of."""
    for loss in training.losses:
        if loss.name not in OF_ROWS or not _of_batch(training, loss):
            continue
        for end in training.operations.ends(loss.input):
            made = end.layer if end.layer is not None else end.node
            if end.kind not in SOFTMAXES or not isinstance(made, ast.Call):
                continue
            place = keyword(made, "dim", 0 if end.layer is not None else 1)
            if place is None and end.layer is None and made.args and isinstance(made.func, ast.Attribute):
                place = made.args[0] if not training.script.full(made.func).startswith("torch.") else None
            if place is not None and constant(place) == 0:
                values = {"softmax": ast.unparse(made.func), "dim": "0", "loss": ast.unparse(loss.call.func)}
                yield Match(made, values, loss.call, (replaced(training.source, place, "-1"),))
                break


def _of_batch(training: Training, loss: LossCall) -> bool:
    """Return whether the target of a loss is what a loop over data yields beside the inputs."""
    found = training.loop_values(loss.target) if loss.target is not None else []
    return any(b.path and b.path[-1] >= 1 and "load" in ast.unparse(b.value).lower() for b in found if b.value)
