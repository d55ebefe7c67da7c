"""A place in the data that is counted on into a local name nothing reads, while the one that is read stays."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import assignments, constant, is_self
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PLACE = re.compile(r"(\w*_)?(shard|file|pos|position|cursor|offset|idx|index|ptr|pointer|chunk|start)(_\w*)?")


@pattern("name", "read", words=(("self.",), ("shard", "file", "pos", "cursor", "offset", "id", "p", "chunk", "start")))
def data_repeats(training: Training) -> Iterator[Match]:
    """Yield the next place of a reader that is kept under a local name, where its attribute is never set anew."""
    for node in training.script.of_type(ast.Assign):
        target, function = node.targets[0], training.script.function_of(node)
        owner = training.script.class_of(node)
        if not isinstance(target, ast.Name) or not PLACE.fullmatch(target.id) or function is None or owner is None:
            continue
        counted = [n for n in ast.walk(node.value) if _counts_on(n, target.id)]
        if counted and not reads(function, target.id) and not _moves(owner, target.id):
            fix = (replaced(training.source, target, f"self.{target.id}"),)
            yield Match(node, {"name": target.id, "read": f"self.{target.id}"}, fix=fix)


def _counts_on(node: ast.AST, name: str) -> bool:
    """Return whether a node adds to the attribute of that name."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _is_attribute(node.left, name)


def _is_attribute(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == name and is_self(node.value)


def _moves(owner: ast.ClassDef, name: str) -> bool:
    """Return whether the attribute is set to anything but a first place anywhere in its class, __init__ left out."""
    methods = [part for part in owner.body if getattr(part, "name", "") != "__init__"]
    for node in (n for part in methods for n in ast.walk(part)):
        if isinstance(node, ast.AugAssign) and _is_attribute(node.target, name):
            return True
        for target, value in assignments(node):
            if _is_attribute(target, name) and not isinstance(constant(value), (int, float)):
                return True
    return False
