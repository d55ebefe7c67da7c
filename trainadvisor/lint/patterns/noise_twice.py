"""Noise that a net is to predict and that was never added: its input holds other noise, drawn where it was made."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import is_seed
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, is_open, keyword
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
        predictions = [_compared(training, n) for n in reads(scope, target.id) if _means(training, n, scope)]
        if not predictions or None in predictions:
            continue
        for prediction in predictions:
            noisy = _noisy_input(training, prediction) if prediction is not None else None
            if noisy is not None and not _drawn_alike(training, node.value, noisy[1]):
                yield Match(node, {"noise": target.id, "input": ast.unparse(noisy[0])}, noisy[1])
                break
    yield from _in_differences(training)


def _in_differences(training: Training) -> Iterator[Match]:
    """Yield noise in a difference that is to be predicted, as a velocity, from an input that holds another draw."""
    for call in training.script.calls:
        for at in (0, 1):
            target = call.args[at] if len(call.args) > 1 else None
            prediction = _compared_with(training, call, target) if target is not None else None
            draws = _subtracted_draws(training, target) if prediction is not None and target is not None else []
            noisy = _noisy_input(training, prediction) if draws and prediction is not None else None
            if noisy is not None and noisy[1] not in draws and not _drawn_alike(training, draws[0], noisy[1]):
                yield Match(draws[0], {"noise": ast.unparse(draws[0]), "input": ast.unparse(noisy[0])}, noisy[1])


def _subtracted_draws(training: Training, target: ast.expr) -> list[ast.expr]:
    """Return the draws in a difference, as it stands or behind a name or a function."""
    made = target if isinstance(target, ast.BinOp) else training.values.single(target)
    if not isinstance(made, ast.BinOp) or not isinstance(made.op, ast.Sub):
        return []
    parts = [n for side in (made.left, made.right) for n in _factors(side)]
    values = [training.values.single(n) if isinstance(n, ast.Name) else n for n in parts]
    return [value for value in values if value is not None and _is_noise(training, value)]


def _means(training: Training, name: ast.Name, scope: ast.AST) -> bool:
    """Return whether a name means the one of a scope, and not its namesake inside of a function."""
    own = training.script.scope(name)
    return own is scope or name.id not in training.script.bindings(own)


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
    return _compared_with(training, parent, name) if isinstance(parent, ast.Call) else None


def _compared_with(training: Training, call: ast.Call, value: ast.expr) -> ast.expr | None:
    """Return what a loss that is given a value compares it with, None for other calls."""
    if len(call.args) > 1 and value in call.args[:2]:
        made = call.func if isinstance(call.func, ast.Call) else training.made(call.func)
        if called(call) in ELEMENTWISE or (made is not None and called(made) in ELEMENTWISE):
            return call.args[0] if value is call.args[1] else call.args[1]
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
            return _added_draw(training, origin.expr) or _drawn_in(training, _written(training, value))
        found = _drawn_in(training, origin.expr)
        if found is not None:
            return found
    return None


def _drawn_alike(training: Training, *draws: ast.AST) -> bool:
    """Return whether two draws may give the same numbers: a seed is set for each, or both have a generator."""
    if all(isinstance(draw, ast.Call) and keyword(draw, "generator") is not None for draw in draws):
        return True
    scopes = {training.script.scope(draw) for draw in draws}
    seeds = [n for scope in scopes for n in training.script.inside(scope) if is_seed(n)]
    return len(seeds) >= len(draws)


def _written(training: Training, value: ast.expr) -> ast.expr:
    """Return what a name is bound to where it is bound once, else the expression itself."""
    bindings = training.script.reaching(value) if isinstance(value, ast.Name) else []
    return bindings[0].value or value if len(bindings) == 1 and not bindings[0].path else value


def _drawn_in(training: Training, call: ast.expr) -> ast.AST | None:
    """Return the draw that a function of the script adds when it is called like that."""
    for function in _functions(training, call):
        mixes = [_added_draw(training, n, function) for n in ast.walk(function) if isinstance(n, ast.BinOp)]
        found = next((draw for draw in mixes if draw is not None), None)
        if found is not None and not _may_be_given(function, found, call):
            return found
    return None


def _functions(training: Training, value: ast.expr) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the functions or methods of the script that a call means; a method by its name where only one has it."""
    if not isinstance(value, ast.Call):
        return []
    named = [f for f in training.script.functions if f.name == called(value)]
    return named if len(named) == 1 and called(value) not in ("forward", "__call__") else []


def _added_draw(training: Training, sum_: ast.BinOp, function: ast.AST | None = None) -> ast.AST | None:
    """Return the draw that one side of a sum is or is scaled by, directly or by a name.

    A name is bound once in the scope, or in a function to a draw of its own where it is not given.
    """
    if not isinstance(sum_.op, (ast.Add, ast.Sub)):
        return None
    for side in (sum_.left, sum_.right):
        for node in _factors(side):
            made = training.values.single(node) if isinstance(node, ast.Name) else node
            may = [made] if made is not None or function is None else _own(training, node, function)
            drawn = next((value for value in may if isinstance(value, ast.Call) and called(value) in DRAWN), None)
            if drawn is not None:
                return drawn
    return None


def _own(training: Training, node: ast.expr, function: ast.AST) -> list[ast.expr]:
    """Return what a name may be that comes from inside of a function."""
    inside = set(ast.walk(function))
    return [o.expr for o in training.values.origins(node) if o is not None and o.expr in inside]


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Add, ast.Sub)):
        yield from _factors(node.left)
        yield from _factors(node.right)
    else:
        yield node


def _left_out(function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.expr) -> set[str]:
    """Return the arguments with a default that a call does not give."""
    if not isinstance(call, ast.Call) or is_open(call):
        return set()
    named = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    bound = isinstance(call.func, ast.Attribute) and named[:1] == ["self"]
    given = set(named[: len(call.args) + bound]) | {k.arg for k in call.keywords}
    defaults = named[len(named) - len(function.args.defaults) :]
    optional = {
        *defaults,
        *(a.arg for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if d),
    }
    return optional - given


def _may_be_given(function: ast.FunctionDef | ast.AsyncFunctionDef, draw: ast.AST, call: ast.expr) -> bool:
    """Return whether a call gives the noise of a function, or gets it back beside the noisy value."""
    returns = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
    arguments = {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)} - _left_out(function, call)
    bound = {
        name
        for n in ast.walk(function)
        if isinstance(n, ast.Assign) and draw in set(ast.walk(n.value))
        for target in n.targets
        for name in names_in(target)
    }
    return bool(bound & arguments) or any(isinstance(value, ast.Tuple) for value in returns)
