"""Predictions that are scaled back by the scaler of other columns than the targets."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import LABEL
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PREDICTED = re.compile(r"pred|out|hat|forecast|estimate|^p$|^P\b", re.IGNORECASE)
# Names of scalers of what a model is given.
INPUTS = re.compile(r"(^|[._])(x|X|feat|features?|inputs?)([._]|$)|^(scaler|sc)_?(x|X)\b")


@pattern("metric", "scaled", words=(("inverse_transform(",),))
def metric_in_other_units(training: Training) -> Iterator[Match]:
    """Yield predictions that go back through the scaler of the inputs, where the targets have one of their own."""
    backs = [c for c in training.methods("inverse_transform") if c.args]
    for call in backs:
        scaler = call.func.value  # type: ignore[attr-defined]
        if not INPUTS.search(words_of(scaler)) or not any(map(PREDICTED.search, _names(training, call))):
            continue
        own = _of_targets(training, call, backs)
        if own is not None:
            values = {"metric": words_of(call), "scaled": words_of(own)}
            fix = (replaced(training.source, scaler, words_of(own)),) if _is_plain(call) else None
            yield Match(call, values, own, fix)


def _names(training: Training, call: ast.Call) -> list[str]:
    """Return what a call is given, and the names its result is bound to."""
    statement = training.script.statement(call)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return list(map(words_of, [call.args[0], *targets]))


def _of_targets(training: Training, call: ast.Call, backs: list[ast.Call]) -> ast.expr | None:
    """Return the other scaler, which the same function scales the targets back with."""
    scope = training.script.scope(call)
    for other in backs:
        owner, given = other.func.value, words_of(other.args[0])  # type: ignore[attr-defined]
        same = training.script.scope(other) is scope and words_of(owner) != words_of(call.func.value)  # type: ignore[attr-defined]
        if same and not INPUTS.search(words_of(owner)) and _is_target(given) and not PREDICTED.search(given):
            return owner  # type: ignore[no-any-return]
    return None


def _is_target(given: str) -> bool:
    return LABEL.search(given) is not None or re.match(r"y|Y|true|actual", given) is not None


def _is_plain(call: ast.Call) -> bool:
    """Return whether the prediction is handed over as it is, without columns made up for another scaler."""
    return not re.search(r"repeat|zeros|concat|hstack|stack|tile", words_of(call))
