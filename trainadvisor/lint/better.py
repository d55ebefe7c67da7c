"""Which of two values of a metric is the better one: by its name, or by what it is computed from."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, constant, is_self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainadvisor.source.training import Training

LOWER = frozenset({"loss", "losses", "err", "errs", "error", "errors", "mse", "mae", "rmse", "mape", "nll", "ppl",
                   "perplexity", "wer", "cer", "fid", "nmse", "smape"})  # fmt: skip
HIGHER = frozenset({"acc", "accs", "accuracy", "accuracies", "f1", "f1score", "auc", "auroc", "aucs", "iou", "miou",
                    "dice", "bleu", "rouge", "psnr", "ssim", "r2", "recall", "kappa", "mcc", "top1", "top5", "acc1",
                    "acc5", "mrr", "ndcg", "auprc"})  # fmt: skip
# A sign that is turned round, which a name alone does not follow.
TURNED = frozenset({"neg", "negative", "minus", "inv", "inverse"})
# What a metric is only a part of: how far it fell, at which epoch it was reached, how much it spreads.
UNCLEAR = frozenset({"gap", "diff", "difference", "drop", "reduction", "delta", "forget", "forgotten", "forgetting",
                     "rank", "cost", "costs", "epochs", "steps", "time", "at", "improvement", "decrease", "increase",
                     "gain", "ratio", "std", "var", "variance", "spread", "change", "mia", "membership",
                     "attack"})  # fmt: skip
WORD = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*")
# Calls that give the same number, or one of the same kind.
SAME = frozenset({"float", "item", "mean", "round", "detach", "cpu", "numpy", "abs", "nanmean", "average", "compute",
                  "array", "asarray", "tensor", "stack"})  # fmt: skip
# Attributes and keys that say nothing of a metric by themselves.
PLAIN = frozenset({"avg", "val", "value", "mean", "global_avg", "average", "item", "sum"})
DEEPEST = 6


def says_no_direction(name: str) -> bool:
    """Return whether a name holds a word by which more or less of its metric may be meant: acc_gap, time_to_acc."""
    return not UNCLEAR.isdisjoint(word.lower() for word in WORD.findall(name))


def direction_of_name(name: str) -> int:
    """Return 1 for a metric of which more is better, -1 for one of which less is, 0 where a name does not say so."""
    found = {word.lower() for word in WORD.findall(name)}
    if found & (TURNED | UNCLEAR):
        return 0
    return -1 if found & LOWER else 1 if found & HIGHER else 0


def better(training: Training, expr: ast.expr, depth: int = 0) -> int:
    """Return 1 where more of a value is better, -1 where less is, 0 where that is not known."""
    follow = FOLLOWED.get(type(expr)) if depth <= DEEPEST else None
    return follow(training, expr, depth) if follow is not None else 0


def _of_sign(training: Training, expr: ast.UnaryOp, depth: int) -> int:
    return -better(training, expr.operand, depth + 1) if isinstance(expr.op, ast.USub) else 0


def _of_part(training: Training, expr: ast.Subscript, depth: int) -> int:
    key = constant(expr.slice)
    if isinstance(key, str) and says_no_direction(key):
        return 0
    named = direction_of_name(key) if isinstance(key, str) else 0
    return named or better(training, expr.value, depth + 1)


def _of_name(training: Training, expr: ast.Name | ast.Attribute, depth: int) -> int:
    if isinstance(expr, ast.Attribute) and expr.attr in PLAIN:
        return better(training, expr.value, depth + 1)
    name = expr.attr if isinstance(expr, ast.Attribute) else expr.id
    if says_no_direction(name):
        return 0
    return direction_of_name(name) or _of_origins(training, expr, depth)


def _of_operation(training: Training, expr: ast.BinOp, depth: int) -> int:
    left, right = better(training, expr.left, depth + 1), better(training, expr.right, depth + 1)
    if isinstance(expr.op, ast.Sub) and constant(expr.left) in (1, 1.0, 100, 100.0):
        return -right
    if isinstance(expr.op, ast.Mult) and -1 in (constant(expr.left), constant(expr.right)):
        return -(left or right)
    if isinstance(expr.op, ast.Div):
        return left if not right else 0
    if isinstance(expr.op, (ast.Add, ast.Mult)) and left * right >= 0:
        return left or right
    return 0


def _of_call(training: Training, call: ast.Call, depth: int) -> int:
    if called(call) in SAME:
        inner = call.args[0] if call.args else call.func.value if isinstance(call.func, ast.Attribute) else None
        return better(training, inner, depth + 1) if inner is not None else 0
    return direction_of_name(called(call))


def _of_origins(training: Training, expr: ast.expr, depth: int) -> int:
    """Return what all values that a name may have agree on, by what is called or by what that returns."""
    if isinstance(expr, ast.Name):
        bound = [b.value if b.kind == "value" and not b.path else None for b in training.script.reaching(expr)]
        sides = {direction_of_name(called(v)) if isinstance(v, ast.Call) else 0 for v in bound}
        if len(sides) == 1 and 0 not in sides:
            return sides.pop()
    found: set[int] = set()
    for origin in training.values.origins(expr):
        if origin is None or origin.loop or origin.expr is expr:
            return 0
        if isinstance(origin.expr, ast.Call) and origin.path:
            found |= {better(training, value, depth + 1) for value in _returned(training, origin.expr, origin.path)}
        elif origin.path:
            return 0
        elif not (isinstance(origin.expr, ast.Constant) and origin.expr.value is None):
            found.add(better(training, origin.expr, depth + 1))
    return found.pop() if len(found) == 1 else 0


def _returned(training: Training, call: ast.Call, path: tuple[int, ...]) -> Iterator[ast.expr]:
    """Yield what a method of the same object returns at a place of its tuple."""
    if not isinstance(call.func, ast.Attribute) or not is_self(call.func.value) or len(path) != 1:
        return
    function = training.script.method(training.script.class_of(call), call.func.attr)
    for node in training.script.inside(function) if function is not None else ():
        value = node.value if isinstance(node, ast.Return) else None
        if isinstance(value, ast.Tuple) and path[0] < len(value.elts):
            yield value.elts[path[0]]


FOLLOWED: dict[type[ast.expr], Callable[..., int]] = {
    ast.UnaryOp: _of_sign,
    ast.BinOp: _of_operation,
    ast.Call: _of_call,
    ast.Subscript: _of_part,
    ast.Attribute: _of_name,
    ast.Name: _of_name,
}
