"""Evaluators that are run on the training data where a loader for validation is left unused."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.validation_leak import HELD_OUT, TRAINED
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What evaluates by the names of its arguments or of its method, and where it is given the data.
EVALUATED = {"eval_dataset": None, "validation_data": None, "val_dataloaders": 2, "valid_dl": None}
TRAINERS = frozenset({"Trainer", "SFTTrainer", "DPOTrainer", "fit"})


@pattern("loader", "data", words=(("run(", "Trainer(", "fit("), ("val", "test", "dev")))
def validation_leak(training: Training) -> Iterator[Match]:
    """Yield where an evaluation is given the name of the training data, and the one held out is read nowhere."""
    read = {node.id for node in training.script.of_type(ast.Name) if isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in training.script.of_type(ast.Name) if isinstance(node.ctx, ast.Store)}
    unused = [name for name in sorted(bound - read) if HELD_OUT.search(name) and not TRAINED.search(name)]
    given = [node for node in _given(training) if TRAINED.search(node.id) and not HELD_OUT.search(node.id)]
    if len(unused) == 1 and given:
        place = next((n for n in given if _validates(training, n)), given[-1])
        fix = (replaced(training.source, place, unused[0]),)
        yield Match(place, {"loader": _words(training, place), "data": place.id}, None, fix)


def _given(training: Training) -> Iterator[ast.Name]:
    """Yield the names of data that what evaluates is given."""
    for call in training.script.calls:
        name = ast.unparse(call.func)
        if name.rsplit(".", 1)[-1] in TRAINERS:
            found = [keyword(call, word, place if name.endswith("fit") else None) for word, place in EVALUATED.items()]
            yield from (node for node in found if isinstance(node, ast.Name))
        elif name.endswith(".run") and "eval" in name.lower() and call.args and isinstance(call.args[0], ast.Name):
            yield call.args[0]


def _validates(training: Training, place: ast.AST) -> bool:
    function = training.script.function_of(place)
    return function is not None and HELD_OUT.search(function.name) is not None


def _words(training: Training, place: ast.AST) -> str:
    call = training.script.parents[place]
    return ast.unparse(call.func if isinstance(call, ast.Call) else place)
