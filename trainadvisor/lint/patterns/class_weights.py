"""Weights of classes that are turned round, and weights of classes where those of examples are asked for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.class_counts import direction
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MADE = frozenset({"CrossEntropyLoss", "NLLLoss"})
CALLED = frozenset({"cross_entropy", "nll_loss"})
BINARY = frozenset({"BCEWithLogitsLoss", "binary_cross_entropy_with_logits"})
# As many classes as somebody writes down by hand.
MOST_CLASSES = 50


@pattern("weight", words=(("weight",), ("CrossEntropy", "cross_entropy", "NLLLoss", "nll_loss", "pos_weight")))
def class_imbalance(training: Training) -> Iterator[Match]:
    """Yield losses that weight a class the more, the more examples it has."""
    for call in training.script.calls:
        if called(call) in MADE | CALLED:
            weight = keyword(call, "weight", 0 if called(call) in MADE else None)
            if weight is not None and direction(training, weight) == 1:
                yield Match(call, {"weight": ast.unparse(weight)})
        elif called(call) in BINARY:
            weight = keyword(call, "pos_weight")
            ratio = _ratio(training, weight) if weight is not None else None
            if ratio is not None and _side(training, ratio.left) == 1 and _side(training, ratio.right) == 0:
                left, right = (training.source.segment(side) for side in (ratio.left, ratio.right))
                plain = all(isinstance(side, (ast.Name, ast.Call, ast.Attribute)) for side in (ratio.left, ratio.right))
                fix = (replaced(training.source, ratio.left, right), replaced(training.source, ratio.right, left))
                yield Match(call, {"weight": ast.unparse(ratio)}, ratio, fix if plain else None)


def _ratio(training: Training, expr: ast.expr) -> ast.BinOp | None:
    """Return the quotient that a value is, out of tensors and lists of one."""
    while True:
        made = training.values.single(expr) or expr
        if isinstance(made, ast.Call) and called(made) in ("tensor", "as_tensor", "FloatTensor", "float", "Tensor"):
            if not made.args:
                return None
            made = made.args[0]
        elif isinstance(made, (ast.List, ast.Tuple)) and len(made.elts) == 1:
            made = made.elts[0]
        else:
            return made if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Div) else None
        expr = made


def _side(training: Training, expr: ast.expr) -> int | None:
    """Return 1 for a number of positive labels, 0 for one of negative labels, None where that is not known."""
    made = training.values.single(expr) or expr
    if isinstance(made, ast.Call) and called(made) in ("float", "int", "item", "sum", "mean", "count_nonzero"):
        inner = made.args[0] if made.args else made.func.value if isinstance(made.func, ast.Attribute) else None
        return _labels(training, inner) if inner is not None and not made.keywords else None
    if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Sub):
        total = constant(made.left) == 1 or (
            isinstance(made.left, (ast.Call, ast.Name)) and _is_total(training, made.left)
        )
        return 0 if total and _side(training, made.right) == 1 else None
    return None


def _is_total(training: Training, expr: ast.expr) -> bool:
    made = training.values.single(expr) or expr
    return isinstance(made, ast.Call) and called(made) in ("len", "numel", "size")


def _labels(training: Training, expr: ast.expr) -> int | None:
    """Return which labels an array counts: those compared with 1 or 0, or all of 0 and 1."""
    if isinstance(expr, ast.Call):
        return _side(training, expr)
    if isinstance(expr, ast.Compare) and len(expr.ops) == 1:
        value, op = constant(expr.comparators[0]), expr.ops[0]
        if isinstance(op, ast.Eq) and value in (0, 1):
            return int(bool(value))
        return (
            1 if isinstance(op, ast.Gt) and value in (0, 0.5) else 0 if isinstance(op, ast.Lt) and value == 1 else None
        )
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Sub) and constant(expr.left) == 1:
        return 0 if isinstance(expr.right, (ast.Name, ast.Attribute, ast.Subscript)) else None
    return 1 if isinstance(expr, (ast.Name, ast.Attribute, ast.Subscript)) else None


@pattern("weights", words=(("WeightedRandomSampler(",),))
def sampler_weights_per_class(training: Training) -> Iterator[Match]:
    """Yield samplers that are given a weight for each class: only as many examples can be drawn."""
    for call in training.script.calls_by_name.get("WeightedRandomSampler", []):
        weights = keyword(call, "weights", 0)
        if weights is not None and (direction(training, weights) in (1, -1) or _is_written(training, call, weights)):
            yield Match(call, {"weights": ast.unparse(weights)})


def _is_written(training: Training, call: ast.Call, weights: ast.expr) -> bool:
    """Return whether weights are a few written numbers, of which as many examples as a data set has are drawn."""
    made = training.values.single(weights) or weights
    if isinstance(made, ast.Call) and called(made) in ("tensor", "FloatTensor", "as_tensor") and made.args:
        made = made.args[0]
    number = keyword(call, "num_samples", 1)
    drawn = number is not None and ("len(" in ast.unparse(number) or "size" in ast.unparse(number))
    known = isinstance(made, (ast.List, ast.Tuple)) and 1 < len(made.elts) < MOST_CLASSES
    return drawn and known and all(isinstance(constant(v), (int, float)) for v in made.elts)  # type: ignore[attr-defined]
