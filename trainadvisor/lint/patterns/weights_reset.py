"""Weights that are drawn anew in every round of a training, beside an optimizer that lives on."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pattern("call", "loop", words=(("reset_parameters", ".apply("), ("backward(",), (" for ", "for ")))
def weights_reset(training: Training) -> Iterator[Match]:
    """Yield draws of all weights that each round of a loop makes before it trains on."""
    for call in training.script.calls:
        if not _draws_weights(training, call) or _is_conditional(training, call):
            continue
        loop = next(_rounds(training, call), None)
        if loop is None:
            continue
        reached = list(training.reached(loop))
        trains = any(n in training.backward_set for n in reached)
        anew = any(isinstance(n, ast.Call) and training.makes_optimizer(n) for n in reached)
        if trains and not anew:
            yield Match(call, {"call": ast.unparse(call), "loop": ast.unparse(loop.target)}, loop)


def _draws_weights(training: Training, call: ast.Call) -> bool:
    """Return whether a call gives a model new weights: `model.apply(init_weights)`."""
    if called(call) != "apply" or len(call.args) != 1 or not isinstance(call.func, ast.Attribute):
        return False
    given = call.args[0]
    if isinstance(given, ast.Lambda):
        return _inits(training, given)
    named = [f for f in training.script.functions if isinstance(given, ast.Name) and f.name == given.id]
    return len(named) == 1 and _inits(training, named[0])


def _inits(training: Training, function: ast.AST) -> bool:
    """Return whether a function draws weights."""
    calls = [n for n in ast.walk(function) if isinstance(n, ast.Call)]
    return any(
        called(n) == "reset_parameters" or training.script.full(n.func).startswith("torch.nn.init.") for n in calls
    )


def _is_conditional(training: Training, call: ast.Call) -> bool:
    """Return whether a call is made in some rounds only."""
    for node in training.script.ancestors(call):
        if isinstance(node, (ast.If, ast.IfExp, ast.Try)):
            return True
        if isinstance(node, (ast.For, ast.While, ast.FunctionDef, ast.AsyncFunctionDef)):
            return False
    return False


def _rounds(training: Training, call: ast.Call) -> Iterator[ast.For]:
    """Yield the loop whose every round makes a call, in its body or through a function that is called there."""
    loops = [n for n in training.script.loops(call) if isinstance(n, ast.For)]
    if loops:
        yield loops[0]
        return
    function = training.script.function_of(call)
    for other in training.script.calls:
        if function is not None and called(other) == function.name and not _is_conditional(training, other):
            yield from (n for n in training.script.loops(other)[:1] if isinstance(n, ast.For))
