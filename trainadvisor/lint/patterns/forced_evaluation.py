"""Evaluations that feed a share of the true tokens to a decoder, as the default of an argument says."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.visits import defaults_of
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import called, constant, is_open, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

FORCED = re.compile(r"teacher|forcing|^tf_?(ratio|rate|prob)$", re.IGNORECASE)
MODEL = re.compile(r"model|net|seq2seq|decoder", re.IGNORECASE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Forcing:
    """A function that takes a share of true tokens: the argument, its place in a call, and its default."""

    function: Function
    name: str
    place: int
    default: object


@pattern("argument", "share", "call", words=(("teacher", "forcing", "tf_"), ("eval(", "no_grad", "inference_mode")))
def teacher_forced_evaluation(training: Training) -> Iterator[Match]:
    """Yield calls in evaluations that give a decoder a share of the true tokens, by an argument or by its default."""
    for forcing in _forcings(training):
        for call in _calls(training, forcing):
            given = keyword(call, forcing.name, forcing.place)
            share = constant(given) if given is not None else forcing.default
            if not is_open(call) and _is_share(share) and _evaluates(training, call):
                added = with_argument(training.source, call, forcing.name, "0.0", forcing.place)
                values = {"argument": forcing.name, "share": f"{share}", "call": ast.unparse(call)}
                yield Match(call, values, forcing.function, (added,) if added is not None else None)


def _forcings(training: Training) -> Iterator[Forcing]:
    """Yield the functions with such an argument that do not ask the model for its mode."""
    for function in training.script.functions:
        method = isinstance(training.script.parents.get(function), ast.ClassDef)
        names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        defaults = defaults_of(function)
        asks = any(isinstance(n, ast.Attribute) and n.attr == "training" for n in ast.walk(function))
        for place, name in enumerate(names) if not asks else ():
            if FORCED.search(name):
                yield Forcing(function, name, place - int(method), constant(defaults.get(name)))


def _calls(training: Training, forcing: Forcing) -> list[ast.Call]:
    """Return the calls of a function; of a forward, those of objects of its class."""
    if forcing.function.name != "forward":
        return training.script.callers(forcing.function)
    owner = training.script.class_of(forcing.function)
    return [c for c in training.script.calls if owner is not None and _is_of(training, c, owner)]


def _is_of(training: Training, call: ast.Call, owner: ast.ClassDef) -> bool:
    """Return whether what is called is an object of a class: made so, or unknown and named as a model."""
    if not isinstance(call.func, (ast.Name, ast.Attribute)) or called(call) in training.script.classes:
        return False
    made = training.made(call.func)
    if made is not None:
        return called(made) == owner.name
    unknown = isinstance(call.func, ast.Name) and training.values.origins(call.func) == [None]
    return unknown and MODEL.search(called(call)) is not None and len(call.args) > 1


def _is_share(share: object) -> bool:
    """Return whether a value is a share of what is forced: not none of it, and not all."""
    return isinstance(share, float) and 0 < share < 1


def _evaluates(training: Training, call: ast.Call) -> bool:
    """Return whether a call stands in a function, or in a block without gradients, that measures and trains nothing."""
    function = training.script.function_of(call)
    blocks = [n for n in training.script.ancestors(call) if isinstance(n, ast.With) and _is_without_gradient(n.items)]
    place = blocks[0] if blocks else function
    if place is None:
        return False
    nodes = list(ast.walk(place))
    trains = any(isinstance(n, ast.Call) and called(n) in ("backward", "step") for n in nodes)
    measures = bool(blocks) or any(isinstance(n, ast.Call) and called(n) == "eval" for n in nodes)
    decorated = function is not None and any("no_grad" in ast.unparse(d) for d in function.decorator_list)
    return (measures or decorated) and not trains


def _is_without_gradient(items: list[ast.withitem]) -> bool:
    return any(w in ast.unparse(i.context_expr) for i in items for w in ("no_grad", "inference_mode"))
