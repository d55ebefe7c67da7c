"""An object that a function makes at each call, made once by the caller instead and handed over."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.source.edits import Span, before, replaced, with_argument, without
from trainadvisor.source.reading import span_of
from trainadvisor.source.syntax import constant, is_open, keyword

if TYPE_CHECKING:
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def handed_over(training: Training, made: ast.Call, function: Function, call: ast.Call) -> Fix | None:
    """Return the change by which the caller of a function makes an object before its loop and gives it as argument."""
    statement, loops = training.script.statement(made), training.script.loops(call)
    if not isinstance(statement, ast.Assign) or statement.value is not made or not loops or is_open(call):
        return None
    target = statement.targets[0]
    text = _as_caller(training, made, function, call)
    if not isinstance(target, ast.Name) or not isinstance(function, ast.FunctionDef) or text is None:
        return None
    names = [a.arg for a in function.args.args]
    given = keyword(call, target.id, names.index(target.id) if target.id in names else None)
    if isinstance(given, ast.Name):
        empty = _empty_binding(training, given, text)
        return (replaced(training.source, empty, text),) if empty is not None else None
    is_taken = target.id in names or any(a.arg == target.id for a in function.args.kwonlyargs)
    taken: Fix | None = () if is_taken else _taken(training, statement, function, target.id)
    put = _put(training, call, target.id, text, names.index(target.id) if given is not None else None)
    return (*put, *taken) if put is not None and taken is not None else None


def _put(training: Training, call: ast.Call, name: str, text: str, place: int | None) -> Fix | None:
    """Return the change that makes an object before the loop around a call and gives it there."""
    if training.script.bindings(training.script.scope(call)).get(name):
        return None
    put = before(training.source, training.script.loops(call)[0], f"{name} = {text}")
    passed = with_argument(training.source, call, name, name, place)
    return (*put, passed) if put is not None and passed is not None else None


def _taken(training: Training, statement: ast.stmt, function: ast.FunctionDef, name: str) -> Fix | None:
    """Return the change by which a function takes an argument in place of a statement of its own."""
    arguments, block = function.args, training.block(statement)
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or not arguments.args or block is not function.body:
        return None
    held = [*arguments.args, *arguments.defaults]
    end = max(span_of(training.source, node)[1] for node in held)
    new = f", *, {name}" if arguments.defaults else f", {name}"
    gone = without(training.source, statement, block)
    return (Span(end, end, new), *gone) if gone else None


def _empty_binding(training: Training, given: ast.Name, text: str) -> ast.expr | None:
    """Return the None that a name is bound to, where what is needed for the object is known before."""
    bound = training.script.reaching(given)
    value = bound[0].value if len(bound) == 1 and bound[0].kind == "value" and not bound[0].path else None
    if not isinstance(value, ast.Constant) or value.value is not None:
        return None
    scope = training.script.bindings(training.script.scope(given))
    needed = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    late = [b for name in needed for b in scope.get(name, ()) if b.line > (value.lineno, value.col_offset)]
    return None if late else value


def _as_caller(training: Training, made: ast.Call, function: Function, call: ast.Call) -> str | None:
    """Return the call that makes an object with what the caller gives for the arguments of the function."""
    given = _given(function, call)
    inner = training.script.bindings(function)
    spans = []
    for node in (n for n in ast.walk(made) if isinstance(n, ast.Name)):
        if node.id not in given and node.id in inner:
            return None
        if node.id in given:
            value = given[node.id]
            if value is None or (not isinstance(value, (ast.Name, ast.Attribute)) and constant(value) is None):
                return None
            spans.append((span_of(training.source, node), training.source.segment(value)))
    (line, start), (last, _) = span_of(training.source, made)
    if line != last:
        return None
    text = training.source.segment(made)
    for ((_, first), (_, end)), new in sorted(spans, reverse=True):
        text = text[: first - start] + new + text[end - start :]
    return text


def _given(function: Function, call: ast.Call) -> dict[str, ast.expr | None]:
    """Return what a call gives for each argument of a function, the default where it gives nothing."""
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    found = {a.arg: value for a, value in zip(plain, [*defaults, *arguments.defaults], strict=True)}
    found |= {a.arg: value for a, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)}
    found |= {a.arg: value for a, value in zip(plain, call.args, strict=False)}
    return found | {k.arg: k.value for k in call.keywords if k.arg in found}
