"""Axes taken for one another: a softmax over the examples of a batch, and sizes exchanged by a view."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import LossCall, Training

OF_ROWS = frozenset({"cross_entropy", "nll_loss", "kl_div", "binary_cross_entropy"})
SOFTMAXES = frozenset({"softmax", "log_softmax"})
RESHAPES = frozenset({"view", "reshape"})
LEAST = 2


@pattern("softmax", "loss", words=(("oftmax",), ("oss", "entropy")))
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
                values = {"softmax": ast.unparse(made.func), "loss": ast.unparse(loss.call.func)}
                yield Match(made, values, loss.call, (replaced(training.source, place, "-1"),))
                break


def _of_batch(training: Training, loss: LossCall) -> bool:
    """Return whether the target of a loss is what a loop over data yields beside the inputs."""
    found = training.loop_values(loss.target) if loss.target is not None else []
    return any(b.path and b.path[-1] >= 1 and "load" in ast.unparse(b.value).lower() for b in found if b.value)


@pattern("call", "right", words=(("view(", "reshape("), ("size(", "shape[")))
def scrambled_axes(training: Training) -> Iterator[Match]:
    """Yield views whose sizes are those of the tensor itself in another order: the numbers stay where they were."""
    for call in training.script.calls:
        if called(call) not in RESHAPES or not isinstance(call.func, ast.Attribute) or call.keywords:
            continue
        text = ast.unparse(call.func.value)
        order = [_axis(argument, text) for argument in call.args]
        known = [axis for axis in order if axis is not None]
        if len(known) == len(order) >= LEAST and sorted(known) == list(range(len(known))) != known:
            right = f"{training.source.segment(call.func.value)}.permute({', '.join(map(str, known))})"
            yield Match(
                call, {"call": ast.unparse(call), "right": right}, fix=(replaced(training.source, call, right),)
            )


def _axis(size: ast.expr, text: str) -> int | None:
    """Return the axis whose size of a tensor an expression is: x.size(1) or x.shape[1]."""
    value: object = None
    if isinstance(size, ast.Call) and called(size) == "size" and len(size.args) == 1:
        if isinstance(size.func, ast.Attribute) and ast.unparse(size.func.value) == text:
            value = constant(size.args[0])
    elif isinstance(size, ast.Subscript) and ast.unparse(size.value) == f"{text}.shape":
        value = constant(size.slice)
    return value if isinstance(value, int) and value >= 0 else None
