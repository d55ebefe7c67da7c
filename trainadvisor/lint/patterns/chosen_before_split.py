"""Data that were chosen or multiplied by their labels before a part of them was held out."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.validation_leak import TRAINED
from trainadvisor.source.syntax import called, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What reads the labels to choose columns, or to make more rows of the rare classes.
CHOOSERS = re.compile(r"^(Select\w+|RFE|RFECV|SequentialFeatureSelector|TargetEncoder|LinearDiscriminantAnalysis|"
                      r"NeighborhoodComponentsAnalysis|PLSRegression)$")  # fmt: skip
BOTH = 2


@pattern("loader", "data", words=(("train_test_split(",), ("fit_transform(", "fit_resample(", ".transform(")))
def validation_leak(training: Training) -> Iterator[Match]:
    """Yield fits to examples and their labels whose result is split into training and held-out data."""
    for split in training.script.calls_by_name.get("train_test_split", []):
        held = _held_out(training, split)
        for data in split.args[:BOTH]:
            made = _made(training, data)
            if made is not None and held and not TRAINED.search(ast.unparse(made)):
                yield Match(made, {"loader": held, "data": ast.unparse(made)}, split)
                break


def _held_out(training: Training, split: ast.Call) -> str:
    """Return the name of what a split holds out."""
    statement = training.script.statement(split)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    parts = target.elts if isinstance(target, ast.Tuple) else []
    return ast.unparse(parts[1]) if len(parts) >= BOTH and statement is not None else ""


def _made(training: Training, data: ast.expr) -> ast.Call | None:
    """Return the call that chose or multiplied what is split, and was given the labels."""
    origins = [o.expr for o in training.values.origins(data) if o is not None]
    origin = origins[0] if len(origins) == 1 else None
    if not isinstance(origin, ast.Call) or not isinstance(origin.func, ast.Attribute):
        return None
    if called(origin) == "fit_resample":
        return origin if len(origin.args) == BOTH else None
    if called(origin) == "fit_transform":
        return origin if keyword(origin, "y", 1) is not None and _chooses(training, origin.func.value) else None
    if called(origin) != "transform" or not _chooses(training, origin.func.value):
        return None
    owner = ast.unparse(origin.func.value)
    fits = [c for c in training.script.calls_by_name.get("fit", []) if ast.unparse(c.func) == f"{owner}.fit"]
    return fits[0] if len(fits) == 1 and keyword(fits[0], "y", 1) is not None else None


def _chooses(training: Training, owner: ast.expr) -> bool:
    made = training.made(owner)
    return made is not None and CHOOSERS.match(called(made)) is not None
