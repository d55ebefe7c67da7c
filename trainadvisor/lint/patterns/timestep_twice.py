"""A time step that a denoiser is given and that is not the one its input was mixed with: drawn or scaled twice."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import assignments, called, constant, is_open
from trainadvisor.source.uses import is_draw, names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

Function = ast.FunctionDef | ast.AsyncFunctionDef
TIME = re.compile(r"t|tt|ts|tau|(\w*_)?(time_?steps?|times?|sigmas?)|t_\w+", re.IGNORECASE)
# Numbers of steps; a smaller divisor is another scale.
LEAST_STEPS = 10
# What a model is called with at least: what is mixed, and its time step.
GIVEN = 2


@pattern("first", "second", words=(("rand",),))
def timestep_not_given(training: Training) -> Iterator[Match]:
    """Yield time steps that are drawn for the model alone, and those that the model scales once more."""
    yield from _drawn_twice(training)
    yield from _scaled_twice(training)


# -- drawn twice


def _drawn_twice(training: Training) -> Iterator[Match]:
    """Yield a draw that a model is given, whose input was mixed by a function that drew a time step of its own."""
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        if not isinstance(target, ast.Name) or not TIME.fullmatch(target.id) or not is_drawn(training, node.value):
            continue
        scope = training.script.scope(node)
        own = [n for n in reads(scope, target.id) if training.script.scope(n) is scope]
        uses = [training.script.parents.get(n) for n in own]
        if not uses or len(training.script.bindings(scope)[target.id]) > 1:
            continue
        calls = [use for use in uses if isinstance(use, ast.Call) and len(use.args) >= GIVEN]
        mixed = [made for call in calls if (made := _own_draw(training, call, target.id)) is not None]
        if len(calls) == len(uses) == len(mixed):
            yield Match(node, {"first": ast.unparse(mixed[0]), "second": ast.unparse(node)}, mixed[0])


def is_drawn(training: Training, value: ast.expr) -> bool:
    """Return whether a value is drawn at random, here or in a function of the script."""
    calls = [n for n in ast.walk(value) if isinstance(n, ast.Call)]
    inner = [n for call in calls for function in training.called_functions(call) for n in ast.walk(function)]
    return any(is_draw(training, n) for n in (*calls, *inner))


def _own_draw(training: Training, call: ast.Call, time: str) -> ast.Call | None:
    """Return the call that made another argument and drew its time step itself."""
    for given in call.args:
        bound = training.script.reaching(given) if isinstance(given, ast.Name) and given.id != time else []
        made = bound[0].value if len(bound) == 1 else None
        if not isinstance(made, ast.Call) or is_open(made) or time in names_in(made):
            continue
        if any(_draws_alone(training, f, made) for f in _meant(training, made)):
            return made
    return None


def _meant(training: Training, call: ast.Call) -> list[Function]:
    """Return the functions that a call means, the __call__ and the only method of that name among them."""
    made = training.made(call.func)
    owner = training.script.classes.get(called(made)) if made is not None else None
    if owner is not None:
        held = [training.script.method(owner, name) for name in ("__call__", "forward")]
        return [function for function in held if function is not None]
    named = [f for f in training.script.functions if f.name == called(call)]
    return named if len(named) == 1 else []


def _draws_alone(training: Training, function: Function, call: ast.Call) -> bool:
    """Return whether a function draws a time step that a call leaves out, and keeps it to itself."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    names = names[1:] if names[:1] == ["self"] else names
    given = {*names[: len(call.args)], *(k.arg for k in call.keywords)}
    drawn = {
        target.id
        for node in ast.walk(function)
        for target, value in assignments(node)
        if isinstance(target, ast.Name)
        and TIME.fullmatch(target.id)
        and value is not None
        and is_drawn(training, value)
    }
    returned = {
        name
        for node in ast.walk(function)
        if isinstance(node, ast.Return) and node.value is not None
        for part in (node.value.elts if isinstance(node.value, ast.Tuple) else [])
        for name in ([part.id] if isinstance(part, ast.Name) else [])
    }
    return bool(drawn - given) and not returned & drawn


# -- scaled twice


def _scaled_twice(training: Training) -> Iterator[Match]:
    """Yield the division of a time step in a model that is given one that was divided by the same number."""
    for owner in training.module_classes:
        forward = training.script.method(owner, "forward")
        arguments = [a.arg for a in forward.args.args[1:]] if forward is not None else []
        for node in (n for n in ast.walk(forward or owner) if isinstance(n, ast.BinOp)):
            name = _divided(training, node)
            if name is None or name not in arguments:
                continue
            for call in calls_of(training, owner):
                given = given_to(call, arguments.index(name), name)
                before = training.values.single(given) if given is not None else None
                if isinstance(before, ast.BinOp) and _alike(training, before, node):
                    yield Match(node, {"first": ast.unparse(before), "second": ast.unparse(node)}, before)
                    return


def _divided(training: Training, node: ast.BinOp) -> str | None:
    """Return the name that is divided by a number of time steps."""
    if not isinstance(node.op, ast.Div) or not isinstance(node.left, ast.Name) or not TIME.fullmatch(node.left.id):
        return None
    steps = _number(training, node.right)
    return node.left.id if steps is not None and steps >= LEAST_STEPS else None


def _number(training: Training, node: ast.expr) -> float | None:
    value = constant(training.values.single(node) or node)
    return float(value) if isinstance(value, (int, float)) else None


def _alike(training: Training, one: ast.BinOp, other: ast.BinOp) -> bool:
    sides = [_number(training, node.right) for node in (one, other)]
    return isinstance(one.op, ast.Div) and sides[0] is not None and sides[0] == sides[1]


def calls_of(training: Training, owner: ast.ClassDef) -> Iterator[ast.Call]:
    """Yield the calls of objects of a class."""
    for call in training.script.calls:
        made = training.made(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else None
        if made is not None and called(made) == owner.name:
            yield call


def given_to(call: ast.Call, place: int, name: str) -> ast.expr | None:
    """Return what a call gives for an argument, by its name or at its place."""
    named = next((k.value for k in call.keywords if k.arg == name), None)
    return named or (call.args[place] if place < len(call.args) and not is_open(call) else None)
