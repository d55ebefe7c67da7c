"""Answers read off with a threshold for probabilities, out of what are none: logits, or shares of one whole."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.torch_names import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Losses that apply a sigmoid to each output by itself.
OWN_SIGMOID = frozenset({"binary_cross_entropy_with_logits", "multilabel_soft_margin_loss"})
GIVEN = {"linear": "logits", "softmax": "softmax(x)"}
DEEPEST = 8
SIDES = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)


@pattern(
    "test", "given", "wanted", words=(("WithLogits", "with_logits", "SoftMargin"), (">", "<", "round(", "gt(", "ge("))
)
def threshold_mismatch(training: Training) -> Iterator[Match]:
    """Yield thresholds between 0 and 1 for outputs that no sigmoid has turned into probabilities."""
    losses = {loss.name for loss in training.losses}
    if not losses or not losses <= OWN_SIGMOID:
        return
    trained = {_net(training, loss.input) for loss in training.losses} - {""}
    for node in training.script.of_type(ast.Compare, ast.Call):
        outputs = compared(node)
        ends = training.operations.ends(outputs) if outputs is not None else []
        kinds = {end.kind for end in ends}
        if len(kinds) != 1 or not kinds <= set(GIVEN) or outputs is None:
            continue
        given = next((end.before for end in ends if end.kind == "softmax"), outputs)
        if given is not None and _net(training, given) in trained:
            values = {"given": GIVEN[kinds.pop()], "wanted": "sigmoid(x)"}
            yield Match(node, {"test": ast.unparse(node), **values})


def _net(training: Training, outputs: ast.expr) -> str:
    """Return what a value is the answer of, out of changes of its shape; "" where it is of no call."""
    made: ast.expr | None = outputs
    for _ in range(DEEPEST):
        made = training.values.single(made) if isinstance(made, ast.Name) else made
        if not isinstance(made, ast.Call):
            return ""
        if not isinstance(made.func, ast.Attribute) or made.func.attr not in SHAPES:
            return ast.unparse(made.func)
        made = made.func.value
    return ""


def compared(node: ast.AST) -> ast.expr | None:
    """Return what is compared with a number between 0 and 1, or rounded."""
    if isinstance(node, ast.Compare):
        value = node.left if len(node.ops) == 1 and isinstance(node.ops[0], SIDES) else None
        return value if _is_between(node.comparators[0]) else None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    name, library = called(node), isinstance(node.func.value, ast.Name) and node.func.value.id in ("torch", "np")
    value = next(iter(node.args), None) if library else node.func.value
    if name == "round":
        return value
    limit = next(iter(node.args[1:] if library else node.args), None)
    return value if name in ("gt", "ge", "lt", "le") and _is_between(limit) else None


def _is_between(limit: ast.expr | None) -> bool:
    number = constant(limit)
    return isinstance(number, float) and 0 < number < 1
