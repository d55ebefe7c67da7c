"""Random changes of examples that the held-out data are given, and the training data are not."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.validation_leak import HELD_OUT, TRAINED
from trainadvisor.source.edits import replaced, with_argument
from trainadvisor.source.syntax import assignments, called
from trainadvisor.source.uses import draws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

# Random transforms of torchvision and its kin that are not called Random.
DRAWN = frozenset({"ColorJitter", "RandAugment", "AutoAugment", "TrivialAugmentWide", "AugMix", "GaussNoise",
                   "CoarseDropout"})  # fmt: skip
# Names of what examples are taken from: an evaluation with noise of its own is no mistake.
DATA = re.compile(r"data|set|loader|_d[sl]\b|^d[sl]_|rows|images", re.IGNORECASE)
PICKS = frozenset({"RandomSampler", "RandomState", "Random"})


@pattern("call", words=(("rand", "Rand", "Jitter", "Augment", "Mix", "Dropout"), ("val", "test", "dev")))
def preprocessing_mismatch(training: Training) -> Iterator[Match]:
    """Yield a held-out data set that is given a random transform, where one of the same kind for training has none."""
    made = [
        (ast.unparse(target), value)
        for statement in training.script.of_type(ast.Assign)
        for target, value in assignments(statement)
        if isinstance(value, ast.Call)
    ]
    trained = [call for name, call in made if TRAINED.search(name) and not HELD_OUT.search(name)]
    if any(_is_random(training, given) for call in trained for _, given in _given(call)):
        return
    for name, call in made:
        if not HELD_OUT.search(name) or TRAINED.search(name) or not DATA.search(name):
            continue
        twins = [other for other in trained if ast.unparse(other.func) == ast.unparse(call.func)]
        given = [(key, value) for key, value in _given(call) if _is_random(training, value)]
        if twins and given:
            key, value = given[0]
            yield Match(call, {"call": ast.unparse(value)}, twins[0], _exchanged(training, call, twins[0], key))


def _given(call: ast.Call) -> Iterator[tuple[str | int, ast.expr]]:
    """Yield the arguments of a call with their names or places."""
    yield from enumerate(call.args)
    yield from ((entry.arg, entry.value) for entry in call.keywords if entry.arg is not None)


def _is_random(training: Training, given: ast.expr) -> bool:
    """Return whether an argument is a function or a transform that draws numbers each time it is called."""
    if not isinstance(given, (ast.Name, ast.Attribute, ast.Lambda, ast.Call)):
        return False
    if isinstance(given, ast.Name) and (own := [f for f in training.script.functions if f.name == given.id]):
        return any(next(draws(training, function), None) is not None for function in own)
    if isinstance(given, ast.Lambda):
        return next(draws(training, given), None) is not None
    made = given if isinstance(given, ast.Call) else training.made(given)
    return made is not None and any(_draws(training, n) for n in ast.walk(made) if isinstance(n, ast.Call))


def _draws(training: Training, made: ast.Call) -> bool:
    """Return whether an object that a call makes draws numbers when it is called."""
    name, owner = called(made), training.script.classes.get(called(made))
    if owner is None:
        return (name.startswith("Random") and name not in PICKS) or name in DRAWN
    method = training.script.method(owner, "__call__") or training.script.method(owner, "forward")
    return method is not None and next(draws(training, method), None) is not None


def _exchanged(training: Training, call: ast.Call, twin: ast.Call, key: str | int) -> Fix | None:
    """Return the change that gives each what the other one was given in one place."""
    source, mine, other = training.source, dict(_given(call))[key], dict(_given(twin)).get(key)
    if other is not None:
        return replaced(source, mine, source.segment(other)), replaced(source, other, source.segment(mine))
    put = with_argument(source, twin, key, source.segment(mine)) if isinstance(key, str) else None
    return (replaced(source, mine, "None"), put) if put is not None else None
