"""What a source calls a part of torch: code that is put into it has full names, written as it imports them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.source.bindings import SCOPES
from trainadvisor.source.script import USUAL

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERYWHERE = range(1 << 30)
FULL = re.compile(r"(?<![\w.\"'])(?:torch(?:\.\w+)+|copy\.deepcopy\b)")


@dataclass(frozen=True)
class Brought:
    """A name that an import brings, what it stands for, and the lines that see it."""

    name: str
    full: str
    lines: range


def own_name(tree: ast.Module, full: str, line: int) -> str | None:
    """Return what a source calls a module or a part of one at a line, by its nearest name; None where it has none."""
    names = {brought.full: brought.name for brought in _visible(tree, line)}
    area, rest = full, ""
    while area not in names:
        area, dot, part = area.rpartition(".")
        if not dot:
            return None
        rest = f".{part}{rest}"
    return names[area] + rest


def in_own_names(tree: ast.Module, text: str, line: int) -> tuple[str, list[str]]:
    """Return a text for a line with the names of the source, and the modules that it has to import for it."""
    roots = {brought.full for brought in _visible(tree, line) if brought.name == brought.full}
    missing: list[str] = []

    def own(found: re.Match[str]) -> str:
        root = found[0].partition(".")[0]
        name = found[0] if root in roots else own_name(tree, found[0], line)
        missing.extend([root] if name is None else [])
        return name or found[0]

    return FULL.sub(own, text), missing


def place_of_import(tree: ast.Module) -> ast.stmt:
    """Return the statement before which a module is imported: the first import of torch, else the first one."""
    body = [node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")]
    imports = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    of_torch = [node for node in imports if any(brought.full.startswith("torch") for brought in _of(node, range(0)))]
    code = [node for node in body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    return [*of_torch, *imports, *code][0]


def _visible(tree: ast.Module, line: int) -> list[Brought]:
    """Return what imports bring to a line and nothing else has the name of; in a piece without imports the usual."""
    brought = list(_brought(tree, EVERYWHERE))
    if not any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in ast.walk(tree)):
        brought = [Brought(name, full, EVERYWHERE) for name, full in {**USUAL, "copy": "copy"}.items()]
    others = _bound(tree)
    return [one for one in brought if line in one.lines and one.name not in others]


def _brought(node: ast.AST, lines: range) -> Iterator[Brought]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield from _of(child, lines)
        elif isinstance(child, SCOPES):
            yield from _brought(child, range(getattr(child, "lineno", 1), (getattr(child, "end_lineno", 1) or 1) + 1))
        elif not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield from _brought(child, lines)


def _of(node: ast.Import | ast.ImportFrom, lines: range) -> Iterator[Brought]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            root = alias.name.partition(".")[0]
            yield Brought(alias.asname or root, alias.name if alias.asname else root, lines)
        elif not node.level:
            yield Brought(alias.asname or alias.name, f"{node.module}.{alias.name}", lines)


def _bound(tree: ast.Module) -> set[str]:
    """Return the names that a source gives to something of its own."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
    return found
