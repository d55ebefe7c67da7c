"""Gradient penalties of a score that is averaged over the batch first."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("score", "right", words=(("autograd",), ("mean(",), ("norm(", "sqrt(", "** 2", "pow(")))
def penalty_of_mean(training: Training) -> Iterator[Match]:
    """Yield gradients of a mean with respect to its inputs whose norm is asked to be 1."""
    for call in training.script.calls_by_name.get("grad", []):
        score = keyword(call, "outputs", 0)
        if not training.script.full(call.func).endswith("autograd.grad") or score is None:
            continue
        if constant(keyword(call, "create_graph")) is not True or keyword(call, "grad_outputs") is not None:
            continue
        mean = score if isinstance(score, ast.Call) else training.values.single(score)
        if isinstance(mean, ast.Call) and _is_mean(mean) and _asks_for_one(training, call):
            right = words_of(mean).replace("mean(", "sum(", 1) if words_of(mean).count("mean(") == 1 else "sum()"
            func = mean.func
            fix = (replaced(training.source, func, words_of(func)[: -len("mean")] + "sum"),)
            yield Match(mean, {"score": words_of(mean), "right": right}, call, fix)


def _is_mean(call: ast.Call) -> bool:
    """Return whether a call averages over everything: x.mean(), torch.mean(x)."""
    whole = not call.keywords and len(call.args) == (1 if words_of(call.func) == "torch.mean" else 0)
    return called(call) == "mean" and isinstance(call.func, ast.Attribute) and whole


def _asks_for_one(training: Training, call: ast.Call) -> bool:
    """Return whether the function takes 1 from a norm: (g.norm(2, dim=1) - 1) ** 2."""
    scope = training.script.scope(call)
    for node in ast.walk(scope):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and constant(node.right) in (1, 1.0):
            left = node.left if isinstance(node.left, ast.Call) else training.values.single(node.left)
            if left is not None and any(word in words_of(left) for word in ("norm", "sqrt")):
                return True
    return False
