"""A loss that is given another kind of numbers than it is made for: probabilities for logits, logits for logarithms."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced, unwrapped, without_argument
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.operations import Operation
    from trainadvisor.source.training import LossCall, Training

WRONG = {
    "cross_entropy": {"softmax", "sigmoid"},
    "binary_cross_entropy_with_logits": {"sigmoid", "softmax"},
    "multilabel_soft_margin_loss": {"sigmoid", "softmax"},
    "nll_loss": {"softmax", "sigmoid", "linear"},
    "binary_cross_entropy": {"linear", "log_softmax", "log_sigmoid"},
    "kl_div": {"softmax", "linear"},
}
GIVEN = {
    "softmax": "softmax(x)", "sigmoid": "sigmoid(x)", "linear": "logits", "log_softmax": "log_softmax(x)",
    "log_sigmoid": "log_sigmoid(x)",
}  # fmt: skip
EXPECTED = {
    "cross_entropy": "logits", "binary_cross_entropy_with_logits": "logits", "multilabel_soft_margin_loss": "logits",
    "nll_loss": "log_softmax(x)", "binary_cross_entropy": "sigmoid(x)", "kl_div": "log_softmax(x)",
}  # fmt: skip
LOSS_OF_LOGITS = {
    "nll_loss": "cross_entropy", "NLLLoss": "CrossEntropyLoss", "BCELoss": "BCEWithLogitsLoss",
    "binary_cross_entropy": "binary_cross_entropy_with_logits",
}  # fmt: skip

LOGARITHM = {"softmax": "log_softmax", "Softmax": "LogSoftmax"}


@pattern("loss", "given", "expected", words=(("oss", "entropy", "kl_div"),))
def softmax_before_cross_entropy(training: Training) -> Iterator[Match]:
    """Yield losses whose input can only be of the wrong kind; the activation is the place where there is one."""
    for loss in training.losses:
        ends = training.operations.ends(loss.input)
        kinds = {end.kind for end in ends}
        if not ends or not kinds <= WRONG.get(loss.name, set()) or len(kinds) > 1 or _softened(loss):
            continue
        values = {"loss": ast.unparse(loss.call.func), "given": GIVEN[ends[0].kind], "expected": EXPECTED[loss.name]}
        if ends[0].kind == "linear":
            yield Match(loss.call, values, ends[0].node, _other_loss(training, loss))
        else:
            yield Match(ends[0].node, values, loss.call, _without_activation(training, ends, loss))


def _softened(loss: LossCall) -> bool:
    """Return whether a sum of scores in two dimensions or logarithms as targets make other inputs right."""
    call = loss.made or loss.call
    return loss.name == "kl_div" and any(k.arg == "log_target" for k in call.keywords) and loss.target is None


def _without_activation(training: Training, ends: list[Operation], loss: LossCall) -> Fix | None:
    """Return the change that takes the activation away, or takes its logarithm, where it stands once."""
    nodes = list(dict.fromkeys(end.node for end in ends))
    if len(nodes) == 1 and EXPECTED[loss.name] == "log_softmax(x)":
        return _logarithm(training, nodes[0])
    if len(nodes) != 1 or EXPECTED[loss.name] != "logits":
        return None
    node, before, parent = nodes[0], ends[0].before, training.script.parents.get(nodes[0])
    if isinstance(node, ast.Call) and before is not None and isinstance(node, ast.expr):
        return (unwrapped(training.source, node, before),)
    if isinstance(parent, ast.Call) and called(parent) == "Sequential" and isinstance(node, ast.expr):
        span = without_argument(training.source, parent, node)
        return (span,) if span else None
    return None


def _logarithm(training: Training, node: ast.AST) -> Fix | None:
    """Return the change of a softmax to its logarithm, in the way in which the script calls it."""
    if not isinstance(node, ast.Call) or called(node) not in LOGARITHM or not isinstance(node.func, ast.Attribute):
        return None
    owner = training.source.segment(node.func.value)
    return (replaced(training.source, node.func, f"{owner}.{LOGARITHM[called(node)]}"),)


def _other_loss(training: Training, loss: LossCall) -> Fix | None:
    """Return the change to the loss that takes logits."""
    call = loss.made or loss.call
    name = LOSS_OF_LOGITS.get(called(call))
    if name is None:
        return None
    text = f"{ast.unparse(call.func.value)}.{name}" if isinstance(call.func, ast.Attribute) else None
    return (replaced(training.source, call.func, text),) if text else None
