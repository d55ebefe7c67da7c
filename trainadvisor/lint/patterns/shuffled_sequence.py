"""Predictions of a generator that shuffles, set beside labels that stayed in their order."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.answers_reordered import beside, made_of
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import called, constant, keyword, last_name, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PREDICTS = frozenset({"predict", "predict_generator"})
SEQUENCES = frozenset({"Sequence", "PyDataset"})
# Generators of Keras, which shuffle unless they are told not to.
SHUFFLING = frozenset({"flow", "flow_from_directory", "flow_from_dataframe", "image_dataset_from_directory"})
DRAWS = frozenset({"shuffle", "permutation", "randperm"})


@pattern("answers", "labels", "loader", words=((".predict",), ("Sequence", "PyDataset", "DataLoader", *SHUFFLING)))
def answers_reordered(training: Training) -> Iterator[Match]:
    """Yield where the predictions for a generator that shuffles are compared with what kept its order."""
    for call in training.script.calls:
        given = call.args[0] if called(call) in PREDICTS and call.args else None
        statement = training.script.statement(call)
        made = training.made(given) if isinstance(given, ast.Name) else None
        if made is None or not isinstance(statement, ast.Assign) or not _shuffles(training, made):
            continue
        scope, generator = training.script.scope(call), ast.unparse(given)  # type: ignore[arg-type]
        if any(_goes_over(node, generator) for node in training.script.inside(scope)):
            continue
        names = made_of(training, scope, {n for target in statement.targets for n in names_in(target)}, call)
        for node, answers, other in beside(training, scope, names):
            if generator not in other or other in (f"{generator}.classes", f"{generator}.labels"):
                fix = with_argument(training.source, made, "shuffle", "False")
                values = {"answers": answers, "labels": other, "loader": ast.unparse(made)}
                yield Match(node, values, made, (fix,) if fix is not None else None)
                break


def _shuffles(training: Training, made: ast.Call) -> bool:
    """Return whether what a call makes draws a new order: by its kind, or by a class of the script that can be told."""
    told = keyword(made, "shuffle")
    if called(made) in SHUFFLING | {"DataLoader"}:
        return constant(told) is True or (told is None and called(made) in SHUFFLING)
    owner = training.script.classes.get(called(made))
    if owner is None or not any(last_name(base) in SEQUENCES for base in owner.bases):
        return False
    start = training.script.method(owner, "__init__")
    arguments = [a.arg for a in start.args.args] if start is not None else []
    if start is None or "shuffle" not in arguments or not any(_draws(node) for node in ast.walk(owner)):
        return False
    place = arguments.index("shuffle")
    told = keyword(made, "shuffle", place - 1)
    defaults = dict(zip(reversed(arguments), reversed(start.args.defaults), strict=False))
    return constant(told if told is not None else defaults.get("shuffle")) is True


def _draws(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and called(node) in DRAWS


def _goes_over(node: ast.AST, generator: str) -> bool:
    """Return whether a loop goes over a generator, and may take its labels in its order."""
    return isinstance(node, (ast.For, ast.comprehension)) and generator in names_in(node.iter)
