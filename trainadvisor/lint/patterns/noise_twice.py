"""Noise that a net is to predict and that was never added: its input holds other noise, drawn where it was made."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ELEMENTWISE = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "MSELoss", "L1Loss", "SmoothL1Loss",
                         "HuberLoss"})  # fmt: skip
DRAWN = frozenset({"randn_like", "randn"})
SHAPED = frozenset({"pow", "square", "abs", "mean", "sum"})


@pattern("noise", "input", words=(("randn",),))
def noise_drawn_twice(training: Training) -> Iterator[Match]:
    """Yield noise that is only compared with a prediction, whose input was made noisy by another draw."""
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        if not (isinstance(target, ast.Name) and len(node.targets) == 1 and _is_noise(training, node.value)):
            continue
        scope = training.script.scope(node)
        if len(training.script.bindings(scope)[target.id]) > 1:
            continue
        predictions = [_compared(training, name) for name in reads(scope, target.id)]
        if not predictions or None in predictions:
            continue
        for prediction in predictions:
            noisy = _noisy_input(training, prediction) if prediction is not None else None
            if noisy is not None:
                yield Match(node, {"noise": target.id, "input": ast.unparse(noisy[0])}, noisy[1])
                break


def _is_noise(training: Training, value: ast.expr) -> bool:
    """Return whether a value is drawn like another one: randn_like(x), or randn(x.shape)."""
    if not isinstance(value, ast.Call) or called(value) not in DRAWN:
        return False
    shaped = called(value) == "randn_like" or "shape" in ast.unparse(value) or "size()" in ast.unparse(value)
    return shaped and training.script.full(value.func).startswith("torch.")


def _compared(training: Training, name: ast.Name) -> ast.expr | None:
    """Return what noise is compared with where it stands, None where it is used in another way."""
    parent = training.script.parents.get(name)
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Sub):
        outer = training.script.parents.get(parent)
        squared = isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Pow)
        method = isinstance(outer, ast.Attribute) and outer.attr in SHAPED
        return (parent.left if name is parent.right else parent.right) if squared or method else None
    if isinstance(parent, ast.Call) and len(parent.args) > 1 and name in parent.args[:2]:
        made = parent.func if isinstance(parent.func, ast.Call) else training.made(parent.func)
        if called(parent) in ELEMENTWISE or (made is not None and called(made) in ELEMENTWISE):
            return parent.args[0] if name is parent.args[1] else parent.args[1]
    return None


def _noisy_input(training: Training, prediction: ast.expr) -> tuple[ast.expr, ast.AST] | None:
    """Return the input of a prediction that is mixed with noise of its own, and where that noise is drawn."""
    for origin in training.values.origins(prediction):
        call = origin.expr if origin is not None and not origin.path and not origin.loop else None
        for given in call.args if isinstance(call, ast.Call) else []:
            drawn = _mixed(training, given)
            if drawn is not None:
                return given, drawn
    return None


def _mixed(training: Training, value: ast.expr) -> ast.AST | None:
    """Return the draw of noise that a value is mixed with where it is made, itself or in a function of the script."""
    for origin in training.values.origins(value):
        if origin is None or origin.loop:
            continue
        if isinstance(origin.expr, ast.BinOp):
            return _added_draw(training, origin.expr)
        for function in _functions(training, origin.expr):
            mixes = [_added_draw(training, n) for n in ast.walk(function) if isinstance(n, ast.BinOp)]
            found = next((draw for draw in mixes if draw is not None), None)
            if found is not None and not _may_be_given(function, found):
                return found
    return None


def _functions(training: Training, value: ast.expr) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the functions or methods of the script that a call means; a method by its name where only one has it."""
    if not isinstance(value, ast.Call):
        return []
    named = [f for f in training.script.functions if f.name == called(value)]
    return named if len(named) == 1 and called(value) not in ("forward", "__call__") else []


def _added_draw(training: Training, sum_: ast.BinOp) -> ast.AST | None:
    """Return the draw that one side of a sum is or is scaled by, directly or by a name bound once in the scope."""
    if not isinstance(sum_.op, (ast.Add, ast.Sub)):
        return None
    for side in (sum_.left, sum_.right):
        for node in _factors(side):
            made = training.values.single(node) if isinstance(node, ast.Name) else node
            if isinstance(made, ast.Call) and called(made) in DRAWN:
                return made
    return None


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Add, ast.Sub)):
        yield from _factors(node.left)
        yield from _factors(node.right)
    else:
        yield node


def _may_be_given(function: ast.AST, draw: ast.AST) -> bool:
    """Return whether the noise of a function is an argument, or part of what it returns beside the noisy value."""
    returns = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
    arguments = {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)}
    bound = {
        name
        for n in ast.walk(function)
        if isinstance(n, ast.Assign) and draw in set(ast.walk(n.value))
        for target in n.targets
        for name in names_in(target)
    }
    return bool(bound & arguments) or any(isinstance(value, ast.Tuple) for value in returns)
