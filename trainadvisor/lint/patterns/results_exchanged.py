"""Several results that are taken under the same names as they are returned, in another order."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

Function = ast.FunctionDef | ast.AsyncFunctionDef
# What goes through a loader without changing what it gives.
AROUND = frozenset({"enumerate", "tqdm", "trange", "iter", "next", "track", "prepare"})


@pattern("taken", "given", words=(("return ",), (", ",)))
def results_exchanged(training: Training) -> Iterator[Match]:
    """Yield where the names on the left are those behind the only return of what is called, in another order."""
    for node, target, value in _taken(training):
        taken = [_name(element) for element in target.elts]
        giver = _giver(training, value) if len(set(taken)) == len(taken) > 1 and "" not in taken else None
        given = _given(giver) if giver is not None else []
        if giver is not None and taken != given and sorted(taken) == sorted(given):
            yield Match(node, {"taken": ", ".join(taken), "given": ", ".join(given)}, _returns(giver)[0])


def _taken(training: Training) -> Iterator[tuple[ast.AST, ast.Tuple, ast.expr]]:
    """Yield what is taken apart: by an assignment, or by a loop, with or without the numbers of its rounds."""
    for node in training.script.of_type(ast.Assign):
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple):
            yield node, node.targets[0], node.value
    for loop in training.script.of_type(ast.For):
        target = loop.target
        if isinstance(target, ast.Tuple):
            inner = [e for e in target.elts if isinstance(e, ast.Tuple)]
            yield target, inner[0] if inner else target, loop.iter


def _giver(training: Training, value: ast.expr) -> Function | None:
    """Return the function that says in what order results come: what is called, or what fills a loader's batches."""
    if isinstance(value, ast.Name):
        loops = training.loop_values(value)
        around = loops[0].statement if len(loops) == 1 else None
        return _of_loader(training, around.iter if isinstance(around, ast.For) else value)
    if not isinstance(value, ast.Call):
        return None
    functions = training.called_functions(value)
    if called(value) in AROUND or not functions:
        return _of_loader(training, value)
    return functions[0] if len(functions) == 1 and not _is_generator(functions[0]) else None


def _of_loader(training: Training, value: ast.expr) -> Function | None:
    """Return what puts batches together: the collate function of the only loader, or its data set."""
    while isinstance(value, ast.Call) and called(value) in AROUND and value.args:
        value = value.args[0]
    made = training.made(value) if isinstance(value, (ast.Name, ast.Call, ast.Attribute)) else None
    if made is None or called(made) != "DataLoader":
        return None
    collate = keyword(made, "collate_fn")
    if collate is not None:
        named = [f for f in training.script.functions if f.name == ast.unparse(collate)]
        return named[0] if len(named) == 1 else None
    data = keyword(made, "dataset", 0)
    rows = training.made(data) if data is not None else None
    owner = training.script.classes.get(called(rows)) if rows is not None else None
    return training.script.method(owner, "__getitem__")


def _given(function: Function) -> list[str]:
    """Return the names of what a function returns, where it returns one tuple of names that are not its arguments."""
    returns = _returns(function)
    value = returns[0].value if len(returns) == 1 else None
    names = [_name(element) for element in _elements(value)]
    own = {a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
    return [] if "" in names or own & set(names) or len(set(names)) < len(names) else names


def _elements(value: ast.expr | None) -> list[ast.expr]:
    """Return the parts of a tuple, or what a comprehension asks a row for, one word after the other."""
    if isinstance(value, ast.Call) and called(value) in ("tuple", "list") and len(value.args) == 1:
        value = value.args[0]
    if isinstance(value, (ast.GeneratorExp, ast.ListComp)) and len(value.generators) == 1:
        value = value.generators[0].iter
        words = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        return words if all(isinstance(constant(word), str) for word in words) else []
    return value.elts if isinstance(value, ast.Tuple) else []


def _name(node: ast.expr) -> str:
    """Return what a result is called: a name, a list's own name in front of its index, a field, a word."""
    while isinstance(node, ast.Subscript) and not isinstance(constant(node.slice), str):
        node = node.value
    if isinstance(node, ast.Subscript):
        node = node.slice
    if (
        isinstance(node, ast.Call)
        and len(node.args) == 1
        and called(node) in ("tensor", "as_tensor", "stack", "float", "long")
    ):
        return _name(node.args[0])
    word = constant(node)
    if isinstance(word, str):
        return word
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _returns(function: Function) -> list[ast.Return]:
    inner = {
        n
        for f in ast.walk(function)
        if f is not function and isinstance(f, (Function, ast.Lambda))
        for n in ast.walk(f)
    }
    return [n for n in ast.walk(function) if isinstance(n, ast.Return) and n not in inner]


def _is_generator(function: Function) -> bool:
    return any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(function))
