"""A batch whose sequences are sorted and whose labels stay where they were."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

Function = ast.FunctionDef | ast.AsyncFunctionDef
# With one of these the order may be kept and used for the rest.
ORDERED = frozenset({"argsort", "enumerate", "index_select", "lexsort", "msort", "range", "topk"})


@pattern("first", "second", words=(("sort",), ("zip(*", " for ")))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield where a function sorts one part of the examples that it is given, and returns another as it came."""
    for function in training.script.functions:
        calls = [n for n in ast.walk(function) if isinstance(n, ast.Call)]
        if not any(called(c) in ("sort", "sorted") for c in calls) or any(called(c) in ORDERED for c in calls):
            continue
        for argument in function.args.args:
            parts = dict(parts_of(function, argument.arg))
            for call in calls:
                place = _sorted_place(call, argument.arg, parts)
                kept = _result(training, function, call) if place is not None else ""
                other = next((n for n, p in parts.items() if p != place and _returned(function, n)), None)
                if kept and other and other != kept and _returned(function, kept):
                    yield Match(call, {"first": ast.unparse(call), "second": other})


def parts_of(function: Function, argument: str) -> Iterator[tuple[str, object]]:
    """Yield the names bound to a part of each example, with the place of the part."""
    for node in ast.walk(function):
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, ast.Call):
            given = value.args[1] if called(value) == "map" and len(value.args) > 1 else value
            if isinstance(given, ast.Call) and _is_unzipped(given, argument):
                yield from ((n.id, place) for place, n in enumerate(target.elts) if isinstance(n, ast.Name))
        elif isinstance(target, ast.Name) and value is not None:
            inner = list(ast.walk(value))
            places = [p for n in inner if (p := _place(n, argument)) is not None]
            if len(places) == 1 and not any(isinstance(n, ast.Call) and called(n) == "sorted" for n in inner):
                yield target.id, places[0]


def _is_unzipped(call: ast.Call, argument: str) -> bool:
    given = call.args[0] if called(call) == "zip" and len(call.args) == 1 else None
    return isinstance(given, ast.Starred) and isinstance(given.value, ast.Name) and given.value.id == argument


def _place(node: ast.AST, argument: str) -> object:
    """Return which part of each example a comprehension over an argument takes, None where it takes no single one."""
    if not isinstance(node, (ast.ListComp, ast.GeneratorExp)) or len(node.generators) != 1 or node.generators[0].ifs:
        return None
    target, iterated = node.generators[0].target, node.generators[0].iter
    if not (isinstance(iterated, ast.Name) and iterated.id == argument):
        return None
    if isinstance(target, ast.Tuple):
        names = [ast.unparse(n) for n in target.elts]
        used = [names.index(n) for n in names_in(node.elt) if n in names]
        return used[0] if len(used) == 1 else None
    places = [
        constant(n.slice)
        for n in ast.walk(node.elt)
        if isinstance(n, ast.Subscript) and ast.unparse(n.value) == ast.unparse(target)
    ]
    return places[0] if len(places) == 1 else None


def _sorted_place(call: ast.Call, argument: str, parts: dict[str, object]) -> object:
    """Return which part of the examples a call sorts; lengths and other figures made of a part are none."""
    if called(call) == "sort" and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return parts.get(call.func.value.id)
    if called(call) != "sorted" or not call.args:
        return None
    given = call.args[0]
    if isinstance(given, ast.Name):
        return parts.get(given.id)
    plain = isinstance(given, (ast.ListComp, ast.GeneratorExp)) and not isinstance(given.elt, ast.Call)
    return _place(given, argument) if plain else None


def _result(training: Training, function: Function, call: ast.Call) -> str:
    """Return the name that holds what was sorted, "" where only a part of it is used or it has none."""
    statement = training.script.parents.get(call)
    if called(call) == "sort" and isinstance(call.func, ast.Attribute) and isinstance(statement, ast.Expr):
        made = [n.value for n in ast.walk(function) if isinstance(n, ast.Assign) and _binds(n, call.func.value)]
        return ast.unparse(call.func.value) if made else ""
    if isinstance(statement, ast.Call) and called(statement) in ("list", "tuple"):
        statement = training.script.parents.get(statement)
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return ""


def _binds(node: ast.Assign, name: ast.expr) -> bool:
    return ast.unparse(name) in {ast.unparse(n) for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}


def _returned(function: Function, name: str) -> bool:
    """Return whether what a function returns is made of a name, a few assignments on."""
    names = {name}
    for node in sorted((n for n in ast.walk(function) if isinstance(n, ast.Assign)), key=lambda n: n.lineno):
        if names_in(node.value) & names and not any(isinstance(n, ast.Subscript) for n in ast.walk(node.value)):
            names |= {n for target in node.targets for n in names_in(target)}
    returned = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
    return any(names_in(value) & names for value in returned)
