"""An activation or loss that says nothing at the width it has: a softmax over one unit, a ReLU on logits."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.operations import Operation
    from trainadvisor.source.training import Training

LOGITS = frozenset({"cross_entropy", "binary_cross_entropy_with_logits"})


@pattern("activation", "what", words=(("oftmax", "elu", "eLU"), ("oss", "entropy")))
def wrong_output_activation(training: Training) -> Iterator[Match]:
    """Yield softmaxes over one unit and ReLUs on what is taken for logits, where a loss is computed of them."""
    for loss in training.losses:
        ends = training.operations.ends(loss.input)
        kinds = {end.kind for end in ends}
        if kinds == {"softmax"} and all(width(training, end) == 1 for end in ends):
            yield Match(ends[0].node, {"activation": "softmax", "what": "1"}, loss.call)
        elif kinds == {"relu"} and loss.name in LOGITS:
            yield Match(ends[0].node, {"activation": "ReLU", "what": ast.unparse(loss.call.func)}, loss.call)


def width(training: Training, end: Operation) -> int | None:
    """Return the width of a linear layer, or of the one in front of an activation."""
    if end.layer is not None and called(end.layer) == "Linear":
        layer: ast.Call | None = end.layer
    elif end.before is not None:
        inner = training.operations.ends(end.before)
        layer = inner[0].layer if len(inner) == 1 else None
    else:
        layer = _layer_before(training, end)
    value = constant(keyword(layer, "out_features", 1)) if layer is not None else None
    return value if isinstance(value, int) else None


def _layer_before(training: Training, end: Operation) -> ast.Call | None:
    parent = training.script.parents.get(end.node)
    if not isinstance(parent, ast.Call) or called(parent) != "Sequential" or end.node not in parent.args:
        return None
    place = parent.args.index(end.node)
    before = parent.args[place - 1] if place else None
    return before if isinstance(before, ast.Call) and called(before) == "Linear" else None


@pattern("loss", words=(("oss", "entropy"),))
def wrong_loss_function(training: Training) -> Iterator[Match]:
    """Yield cross-entropies over one class, and losses whose input and target are exchanged."""
    for loss in training.losses:
        ends = training.operations.ends(loss.input)
        values = {"loss": ast.unparse(loss.call.func)}
        if loss.name in ("cross_entropy", "nll_loss") and ends:
            widths = {constant(keyword(e.layer, "out_features", 1)) if e.layer else None for e in ends}
            named = {called(e.layer) for e in ends if e.layer}
            dense = _dense(training, loss.input) or any(_reshaped(training, end.node) for end in ends)
            if widths == {1} and named == {"Linear"} and not dense:
                yield Match(loss.call, values, ends[0].node)


RESHAPES = frozenset({"view", "reshape", "squeeze", "transpose", "permute", "t", "flatten"})


def _dense(training: Training, value: ast.expr) -> bool:
    """Return whether a value was reshaped, so that its classes may be another dimension."""
    origin = training.values.single(value)
    node = origin if origin is not None else value
    return isinstance(node, ast.Call) and called(node) in RESHAPES


def _reshaped(training: Training, node: ast.AST | None) -> bool:
    """Return whether what a layer gives is reshaped where it stands: `self.score(h).squeeze(-1)`."""
    while isinstance(node, ast.expr):
        if isinstance(node, ast.Call) and called(node) in RESHAPES:
            return True
        node = training.script.parents.get(node)
    return False


@pattern("loss", "input", "target", words=(("oss", "entropy"),))
def swapped_loss_arguments(training: Training) -> Iterator[Match]:
    """Yield losses that are given the label first: a variable of the loop over the data, then the model's output."""
    for loss in training.losses:
        if loss.name not in LOGITS | {"nll_loss", "binary_cross_entropy"} or loss.target is None:
            continue
        first = [b for b in training.loop_values(loss.input) if b.path and b.path[-1] >= 1]
        kinds = training.operations.kinds(loss.target)
        known = training.script.reaching(loss.input) if isinstance(loss.input, ast.Name) else []
        given_by_loop = bool(first) and len(first) == len(known)
        if given_by_loop and kinds and kinds <= {"linear", "softmax", "sigmoid", "log_softmax"}:
            values = {
                "loss": ast.unparse(loss.call.func),
                "input": ast.unparse(loss.input),
                "target": ast.unparse(loss.target),
            }
            yield Match(loss.call, values, fix=_exchanged(training, loss.call))


def _exchanged(training: Training, call: ast.Call) -> Fix | None:
    if len(call.args) < 2 or call.keywords:  # noqa: PLR2004 - input and target
        return None
    first, second = call.args[:2]
    source = training.source
    return replaced(source, first, source.segment(second)), replaced(source, second, source.segment(first))
