"""A list that holds one module many times over, each of which is given the same input: they all answer the same."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, is_self
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

Round = ast.For | ast.ListComp | ast.GeneratorExp
# Modules that answer at random, and are asked many times on purpose.
RANDOM = re.compile(r"dropout|noise|rand", re.IGNORECASE)


@pattern("layers", "made", "call", words=(("ModuleList(",), ("*", " for ")))
def layers_are_one(training: Training) -> Iterator[Match]:
    """Yield lists of one module many times over whose entries a loop gives the same input."""
    for node in training.script.of_type(ast.Assign):
        target, owner = node.targets[0], training.script.class_of(node)
        if not isinstance(target, ast.Attribute) or not is_self(target.value) or owner is None:
            continue
        one = _one(training, node.value)
        if one is None or _is_random(training, one):
            continue
        call = next(_same_calls(owner, ast.unparse(target)), None)
        if call is not None:
            values = {"layers": ast.unparse(target), "made": ast.unparse(node.value), "call": ast.unparse(call)}
            yield Match(node, values, call)


def _one(training: Training, value: ast.expr) -> ast.expr | None:
    """Return the module that nn.ModuleList([module] * n) holds many times, or [module for _ in range(n)]."""
    if not isinstance(value, ast.Call) or called(value) != "ModuleList" or len(value.args) != 1:
        return None
    listed = training.values.single(value.args[0]) or value.args[0]
    if isinstance(listed, ast.BinOp) and isinstance(listed.op, ast.Mult):
        parts = [part for part in (listed.left, listed.right) if isinstance(part, ast.List)]
        return parts[0].elts[0] if len(parts) == 1 and len(parts[0].elts) == 1 else None
    if isinstance(listed, ast.ListComp) and isinstance(listed.elt, ast.Name):
        own = {name for generator in listed.generators for name in names_in(generator.target)}
        return listed.elt if listed.elt.id not in own else None
    return None


def _is_random(training: Training, one: ast.expr) -> bool:
    """Return whether a module may answer anew each time, itself or through a class of the script."""
    made = training.made(one) if isinstance(one, (ast.Name, ast.Attribute)) else one
    owner = training.operations.user_class(made) if isinstance(made, ast.Call) else None
    held = ast.unparse(owner) if owner is not None else ast.unparse(made) if made is not None else ""
    return not held or RANDOM.search(held) is not None


def _same_calls(owner: ast.ClassDef, layers: str) -> Iterator[ast.Call]:
    """Yield calls of the entries of a list with an input that is the same in each round of a loop over them."""
    for node in ast.walk(owner):
        if isinstance(node, ast.For):
            body: list[ast.AST] = [n for statement in node.body for n in ast.walk(statement)]
            heads = [(node.target, node.iter)]
        elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            body, heads = list(ast.walk(node.elt)), [(g.target, g.iter) for g in node.generators]
        else:
            continue
        changing = {n.id for n in body if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        changing |= {name for target, _ in heads for name in names_in(target)}
        entries = {name for target, source in heads for name in _entries(target, source, layers)}
        for call in body:
            if isinstance(call, ast.Call) and call.args and _is_entry(call.func, entries, layers):
                given = {name for part in (*call.args, *call.keywords) for name in names_in(part)}
                if not given & changing:
                    yield call


def _entries(target: ast.expr, source: ast.expr, layers: str) -> Iterator[str]:
    """Yield the names that a loop gives the entries of a list: over the list, enumerate() or zip()."""
    if ast.unparse(source) == layers and isinstance(target, ast.Name):
        yield target.id
    if isinstance(source, ast.Call) and isinstance(target, ast.Tuple) and called(source) in ("enumerate", "zip"):
        places = [ast.unparse(argument) == layers for argument in source.args]
        parts = target.elts[1:] if called(source) == "enumerate" else target.elts
        yield from (part.id for part, at in zip(parts, places, strict=False) if at and isinstance(part, ast.Name))


def _is_entry(func: ast.expr, entries: set[str], layers: str) -> bool:
    """Return whether what is called is an entry, by its name or its place."""
    if isinstance(func, ast.Name):
        return func.id in entries
    return isinstance(func, ast.Subscript) and ast.unparse(func.value) == layers and bool(names_in(func.slice))
