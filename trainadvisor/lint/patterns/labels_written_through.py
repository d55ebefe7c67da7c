"""Labels that are the inputs under a second name, and are masked in place: the inputs are masked with them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

LABELS = re.compile(r"(^|_)(labels?|targets?|lbls?|tgts?)($|_)", re.IGNORECASE)
WRITERS = frozenset({"masked_fill_", "index_fill_", "masked_scatter_", "fill_diagonal_"})


@pattern("example", "stored", words=(("label", "target", "lbl", "tgt"),))
def data_changed_in_place(training: Training) -> Iterator[Match]:
    """Yield writes into labels that another name shares, where that name is read afterwards."""
    for node in training.script.of_type(ast.Assign):
        if len(node.targets) != 1 or not _is_held(node.targets[0]) or not _is_held(node.value):
            continue
        labels, inputs = ast.unparse(node.targets[0]), ast.unparse(node.value)
        if not LABELS.search(_last(node.targets[0])) or LABELS.search(_last(node.value)):
            continue
        block = training.block(node) or []
        behind = block[block.index(node) + 1 :] if node in block else []
        write = next((n for s in behind for n in ast.walk(s) if _is_write(n, labels)), None)
        if write is None or any(_rebinds(s, labels, inputs) for s in _before(behind, write)):
            continue
        if any(_reads(s, inputs, node.value) for s in behind if s.lineno > getattr(write, "lineno", 0)):
            fix = (replaced(training.source, node.value, f"{training.source.segment(node.value)}.clone()"),)
            yield Match(write, {"example": labels, "stored": inputs}, node, fix)


def _is_held(node: ast.expr) -> bool:
    """Return whether a node is a name, an attribute, or an item of a dict by its key."""
    by_key = isinstance(node, ast.Subscript) and isinstance(constant(node.slice), str)
    return isinstance(node, (ast.Name, ast.Attribute)) or by_key


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return str(constant(node.slice))
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_write(node: ast.AST, labels: str) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Subscript) and ast.unparse(t.value) == labels for t in node.targets)
    method = node.func if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    return method is not None and called(node) in WRITERS and ast.unparse(method.value) == labels  # type: ignore[arg-type]


def _before(behind: list[ast.stmt], write: ast.AST) -> list[ast.stmt]:
    return [s for s in behind if s.lineno < getattr(write, "lineno", 0)]


def _rebinds(statement: ast.stmt, *names: str) -> bool:
    targets = [t for n in ast.walk(statement) if isinstance(n, ast.Assign) for t in n.targets]
    return any(ast.unparse(t) in names for t in targets)


def _reads(statement: ast.stmt, inputs: str, node: ast.expr) -> bool:
    """Return whether a statement reads the inputs, or the dict that holds them."""
    held = {inputs, ast.unparse(node.value)} if isinstance(node, ast.Subscript) else {inputs}
    loads = (n for n in ast.walk(statement) if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript)))
    return any(isinstance(n.ctx, ast.Load) and ast.unparse(n) in held for n in loads)
