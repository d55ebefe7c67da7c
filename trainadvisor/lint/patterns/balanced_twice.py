"""Rare classes that a sampler draws more often and the loss weighs more as well."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SAMPLERS = frozenset({"WeightedRandomSampler", "ImbalancedDatasetSampler"})
WEIGHED = {
    "CrossEntropyLoss": "weight",
    "NLLLoss": "weight",
    "BCEWithLogitsLoss": "pos_weight",
    "cross_entropy": "weight",
    "nll_loss": "weight",
    "binary_cross_entropy_with_logits": "pos_weight",
}


@pattern("sampler", "weight", words=(tuple(sorted(SAMPLERS)), ("weight=",), tuple(WEIGHED)))
def balanced_twice(training: Training) -> Iterator[Match]:
    """Yield losses with weights for the classes, beside a loader whose sampler draws the rare ones more often."""
    drawn = next((c for c in training.script.calls_by_name.get("DataLoader", []) if _sampler(training, c)), None)
    if drawn is None:
        return
    for name, argument in WEIGHED.items():
        for call in training.script.calls_by_name.get(name, []):
            weight = keyword(call, argument)
            if weight is None or constant(weight) is not None or not _is_sure(training, weight):
                continue
            if not _has_branch(training, call, drawn):
                values = {"sampler": called(_sampler(training, drawn)), "weight": ast.unparse(weight)}  # type: ignore[arg-type]
                yield Match(call, values, drawn)
                return


def _sampler(training: Training, loader: ast.Call) -> ast.Call | None:
    """Return the call that surely makes the sampler of a loader which evens the classes out."""
    given = keyword(loader, "sampler")
    made = training.made(given) if given is not None else None
    return made if made is not None and called(made) in SAMPLERS else None


def _is_sure(training: Training, weight: ast.expr) -> bool:
    """Return whether a weight is one tensor, not None now and then, and not what the caller may leave out."""
    return isinstance(weight, ast.Call) or training.made(weight) is not None


def _has_branch(training: Training, *calls: ast.Call) -> bool:
    """Return whether a condition decides about one of some calls."""
    return any(isinstance(n, (ast.If, ast.IfExp)) for c in calls for n in training.script.ancestors(c))
