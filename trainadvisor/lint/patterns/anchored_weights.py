"""Tensors of a model kept to measure how far it moves: without a copy they move with it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("name", "value", words=(("parameters()", "state_dict()"), (" for ",), (" - ",)))
def reference_not_copied(training: Training) -> Iterator[Match]:
    """Yield tables of a model's tensors themselves from which the weights are taken off later: that is always 0."""
    tables: list[ast.DictComp | ast.ListComp] = [
        *training.script.of_type(ast.DictComp), *training.script.of_type(ast.ListComp),
    ]  # fmt: skip
    for node in tables:
        statement, kept = training.script.parents.get(node), node.value if isinstance(node, ast.DictComp) else node.elt
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or len(node.generators) != 1:
            continue
        name, source = ast.unparse(statement.targets[0]), node.generators[0].iter
        drawn = {n.id for n in ast.walk(node.generators[0].target) if isinstance(n, ast.Name)}
        tensor = _itself(kept)
        if tensor not in drawn or not isinstance(source, ast.Call) or not _gives_tensors(source):
            continue
        if _taken_off(training, name):
            text = training.source.segment(kept)
            fix = (replaced(training.source, kept, f"{text}.clone()"),)
            yield Match(kept, {"name": name, "value": ast.unparse(kept)}, statement, fix)


def _itself(kept: ast.expr) -> str:
    """Return the name of the tensor that an expression shares its memory with, "" where it makes a new one."""
    while not isinstance(kept, ast.Name):
        if isinstance(kept, ast.Call) and isinstance(kept.func, ast.Attribute) and called(kept) == "detach":
            kept = kept.func.value
        elif isinstance(kept, ast.Attribute) and kept.attr == "data":
            kept = kept.value
        else:
            return ""
    return kept.id


def _gives_tensors(call: ast.Call) -> bool:
    if called(call) in ("parameters", "named_parameters"):
        return True
    inner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return called(call) == "items" and isinstance(inner, ast.Call) and called(inner) == "state_dict"


def _taken_off(training: Training, name: str) -> bool:
    """Return whether a difference takes an entry of a table off, by its key or along the table."""
    rounds: list[ast.For | ast.comprehension] = [
        *training.script.of_type(ast.For), *training.script.of_type(ast.comprehension),
    ]  # fmt: skip
    along = {
        n.id
        for node in rounds
        if name in [ast.unparse(part) for part in ast.walk(node.iter)] and "zip" in ast.unparse(node.iter)
        for n in ast.walk(node.target)
        if isinstance(n, ast.Name)
    }
    for node in training.script.of_type(ast.BinOp):
        sides = (node.left, node.right) if isinstance(node.op, ast.Sub) else ()
        for side in sides:
            entry = isinstance(side, ast.Subscript) and ast.unparse(side.value) == name
            if entry or (isinstance(side, ast.Name) and side.id in along):
                return True
    return False
