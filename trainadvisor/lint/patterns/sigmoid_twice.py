"""Probabilities that a metric puts through a sigmoid once more: none of them is below one half any longer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.threshold_mismatch import compared
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Losses of probabilities, as calls that make them or compute them.
OF_PROBABILITIES = frozenset({"BCELoss", "BCELossFlat", "binary_cross_entropy"})
# Metrics of fastai that apply a sigmoid unless they are told not to.
METRICS = frozenset({"accuracy_multi", "F1ScoreMulti", "FBetaMulti", "HammingLossMulti", "JaccardMulti",
                     "MatthewsCorrCoefMulti", "PrecisionMulti", "RecallMulti", "BrierScoreMulti"})  # fmt: skip


@pattern("test", "given", "wanted", words=(("BCELoss", "binary_cross_entropy"), ("igmoid", "Multi", "_multi")))
def threshold_mismatch(training: Training) -> Iterator[Match]:
    """Yield thresholds behind a second sigmoid, and metrics that apply one, where the loss is one of probabilities."""
    losses = {called(call) for call in training.script.calls}
    if not losses & OF_PROBABILITIES or any("WithLogits" in name or "with_logits" in name for name in losses):
        return
    values = {"given": "sigmoid(x)", "wanted": "logits"}
    for node in training.script.of_type(ast.Compare, ast.Call):
        outputs = compared(node)
        ends = training.operations.ends(outputs) if outputs is not None else []
        inner = [training.operations.kinds(end.before) for end in ends if end.kind == "sigmoid" and end.before]
        if inner and len(inner) == len(ends) and all(kinds == {"sigmoid"} for kinds in inner):
            yield Match(node, {"test": ast.unparse(node), **values})
    for node in training.script.of_type(ast.Name):
        if node.id in METRICS and isinstance(node.ctx, ast.Load):
            call = _told(training, node)
            if call is None or keyword(call, "sigmoid") is None or constant(keyword(call, "sigmoid")) is True:
                span = with_argument(training.source, call, "sigmoid", "False") if call is not None else None
                fix = (span,) if span is not None else None
                yield Match(call or node, {"test": ast.unparse(call or node), **values}, None, fix)


def _told(training: Training, name: ast.Name) -> ast.Call | None:
    """Return the call that tells a metric its settings: its own, or partial()."""
    call = training.script.parents.get(name)
    if not isinstance(call, ast.Call):
        return None
    return call if call.func is name or called(call) == "partial" else None
