"""Metrics of scikit-learn that are given the predictions in the place of the labels."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, is_open, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What is another figure with labels and predictions exchanged.
ONE_SIDED = frozenset({"r2_score", "explained_variance_score", "mean_absolute_percentage_error", "mean_pinball_loss",
                       "d2_absolute_error_score", "precision_score", "recall_score", "fbeta_score",
                       "classification_report", "precision_recall_fscore_support",
                       "balanced_accuracy_score"})  # fmt: skip
PREDICTED = re.compile(r"pred|output|logit|y_?hat|forecast|estimat|prob", re.IGNORECASE)
TRUE = re.compile(
    r"true|truth|label|target|actual|\bgt\b|\bgts\b|\by\b|\by_(test|val|valid|dev|te|eval)\b", re.IGNORECASE
)
BOTH = 2


@pattern("metric", "predicted", "true", words=(tuple(sorted(ONE_SIDED)), ("sklearn",)))
def metric_arguments_swapped(training: Training) -> Iterator[Match]:
    """Yield metrics whose first argument is named as a prediction, and the second as what is true."""
    for name in ONE_SIDED:
        for call in training.script.calls_by_name.get(name, []):
            if training.script.full(call.func).startswith("sklearn.metrics.") and _is_swapped(call):
                first, second = call.args[:BOTH]
                source = training.source
                fix = (replaced(source, first, source.segment(second)), replaced(source, second, source.segment(first)))
                told = [ast.unparse(side) for side in (first, second)]
                yield Match(call, {"metric": called(call), "predicted": told[0], "true": told[1]}, fix=fix)


def _is_swapped(call: ast.Call) -> bool:
    if is_open(call) or len(call.args) < BOTH or keyword(call, "y_true") is not None:
        return False
    first, second = (ast.unparse(side) for side in call.args[:BOTH])
    return bool(PREDICTED.search(first)) and bool(TRUE.search(second)) and not PREDICTED.search(second)
