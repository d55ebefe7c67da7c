"""Errors that compare predictions of a scaled target with the target as it was."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import LABEL
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.unchanged_outputs import as_the_model_gave_it
from trainadvisor.source.syntax import called, keyword
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

METRICS = frozenset({"mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "r2_score",
                     "mean_absolute_percentage_error", "median_absolute_error"})  # fmt: skip
# With one of these a script may go back to the units of the target.
BACK = re.compile(r"inverse|scale_|data_m(in|ax)_|unscale|denorm|unnorm|descale|rescale|_std\b|"
                  r"\* *\w*(std|sigma|scale|range|max)\b", re.IGNORECASE)  # fmt: skip
EXPONENTS = re.compile(r"expm1|\bexp\(")
PREDICTED = re.compile(r"pred|out|hat|forecast|estimate", re.IGNORECASE)


@pattern("metric", "scaled", words=(("mean_", "r2_score"), ("transform(", "log1p(")))
def metric_in_other_units(training: Training) -> Iterator[Match]:
    """Yield metrics of a prediction and a raw target, where the training targets are scaled and nothing scales back."""
    code = _code(training)
    if BACK.search(code) or not training.backwards or ("log" in code and EXPONENTS.search(code)):
        return
    scalings = [(call, part) for call in training.script.calls if (part := _scaled(training, call)) is not None]
    if not scalings:
        return
    results = {words_of(n) for call, _ in scalings for n in _bound(training, call)}
    for metric in training.script.calls:
        true, predicted = keyword(metric, "y_true", 0), keyword(metric, "y_pred", 1)
        if called(metric) not in METRICS or true is None or predicted is None:
            continue
        roots = names_in(true)
        raw = roots and not roots & results and not _touched(training, true, [call for call, _ in scalings])
        named = LABEL.search(words_of(true)) and PREDICTED.search(words_of(predicted))
        if raw and named and as_the_model_gave_it(training, predicted):
            yield Match(metric, {"metric": words_of(metric), "scaled": words_of(scalings[0][0])}, scalings[0][0])


def _code(training: Training) -> str:
    """Return the script without its comments."""
    return ast.unparse(training.script.tree)


def _scaled(training: Training, call: ast.Call) -> ast.expr | None:
    """Return the target that a call scales: scaler.transform(y), np.log1p(y)."""
    given = call.args[0] if call.args else None
    if given is None or not LABEL.search(words_of(given)):
        return None
    if called(call) in ("transform", "fit_transform") and isinstance(call.func, ast.Attribute):
        encodes = re.search(r"encod|\ble\b|binariz|label|vector|impute|pca", words_of(call.func.value), re.IGNORECASE)
        return None if encodes else given
    return given if training.script.full(call.func) in ("numpy.log1p", "torch.log1p", "numpy.log") else None


def _bound(training: Training, call: ast.Call) -> list[ast.Name]:
    """Return the names that hold what was scaled."""
    statement = training.script.statement(call)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return [n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]


def _touched(training: Training, true: ast.expr, scalings: list[ast.Call]) -> bool:
    """Return whether a target may come from a scaled one, or from where that is not seen: an argument, a loop."""
    for name in (n for n in ast.walk(true) if isinstance(n, ast.Name)):
        for origin in training.values.origins(name):
            if origin is None or origin.loop or any(n in scalings for n in ast.walk(origin.expr)):
                return True
            if isinstance(origin.expr, ast.Call) and called(origin.expr) in ("cat", "concatenate", "stack", "array"):
                return True
            if isinstance(origin.expr, (ast.List, ast.Constant)):
                return True
    return False
