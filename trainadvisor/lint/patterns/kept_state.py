"""Weights of one model that are kept in each round of a loop as they are: all that is kept is the last of them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pattern("kept", "store", "change", words=((".append(",), ("state_dict()",), ("step(",)))
def kept_list_changed(training: Training) -> Iterator[Match]:
    """Yield state dicts of one model that each round of a loop appends and the next round trains on."""
    for call in training.methods("append"):
        loops, kept = training.script.loops(call), call.args[0] if len(call.args) == 1 else None
        if not loops or kept is None:
            continue
        weights = _weights(training, kept)
        if weights is None:
            continue
        model, change = weights
        loop = next((n for n in loops if isinstance(n, ast.For)), None)
        store = call.func.value  # type: ignore[attr-defined]
        if loop is not None and _stays(loop, model) and _stays(loop, store):
            change = change or _step(training, loop)
            if change is not None:
                values = {"kept": ast.unparse(kept), "store": ast.unparse(store), "change": ast.unparse(change)}
                yield Match(call, values, change)


def _weights(training: Training, kept: ast.expr) -> tuple[ast.expr, ast.Call | None] | None:
    """Return the model whose weights something is, and the call that trained it and returned them, if one did."""
    origin = kept
    if isinstance(kept, ast.Name):
        bound = training.script.reaching(kept)
        if len(bound) != 1 or bound[0].value is None or bound[0].kind != "value":
            return None
        origin = bound[0].value
        if bound[0].path:
            return _returned(training, origin, bound[0].path[0]) if len(bound[0].path) == 1 else None
    if isinstance(origin, ast.Call) and _is_state(origin):
        return origin.func.value, None  # type: ignore[attr-defined]
    return _returned(training, origin, None)


def _is_state(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and called(value) == "state_dict" and not value.args and not value.keywords


def _returned(training: Training, call: ast.expr, part: int | None) -> tuple[ast.expr, ast.Call] | None:
    """Return the model that a call trains and whose weights are what it returns, or a part of that."""
    functions = (
        training.called_functions(call) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else []
    )
    if len(functions) != 1 or not isinstance(call, ast.Call):
        return None
    function = functions[0]
    returns = [n.value for n in ast.walk(function) if isinstance(n, ast.Return)]
    value = returns[0] if len(returns) == 1 else None
    if part is not None:
        value = value.elts[part] if isinstance(value, ast.Tuple) and part < len(value.elts) else None
    names = [a.arg for a in function.args.args]
    model = value.func.value if value is not None and _is_state(value) else None  # type: ignore[attr-defined]
    if not isinstance(model, ast.Name) or model.id not in names or _is_bound(function, model.id):
        return None
    place = names.index(model.id)
    given = next((k.value for k in call.keywords if k.arg == model.id), None)
    given = given or (call.args[place] if place < len(call.args) else None)
    trains = any(isinstance(n, ast.Call) and called(n) == "step" for n in ast.walk(function))
    return (given, call) if trains and isinstance(given, (ast.Name, ast.Attribute)) else None


def _is_bound(function: Function, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in ast.walk(function))


def _stays(loop: ast.For, held: ast.expr) -> bool:
    """Return whether nothing in a loop, its head included, binds what something is read from."""
    bound = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    set_ = {ast.unparse(n) for n in ast.walk(loop) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    indexed = any(isinstance(n, ast.Subscript) for n in ast.walk(held))
    return not names_in(held) & bound and ast.unparse(held) not in set_ and not indexed


def _step(training: Training, loop: ast.For) -> ast.Call | None:
    """Return the step of an optimizer in a loop."""
    inside = set(ast.walk(loop))
    return next((call for call in training.steps if call in inside), None)
