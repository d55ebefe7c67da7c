"""What in a script belongs to its evaluation and stays untouched, and which names may stand in for one another."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MEASURING = re.compile(r"eval|valid|test|accuracy|score|metric|report|result|predict|sample|generate", re.IGNORECASE)
# Seeds and threads are no part of what users get wrong here: the runs of a script have to stay comparable.
SETTING = re.compile(
    r"manual_seed|default_rng|random\.seed|set_num_threads|use_deterministic|Generator|random_state|argv"
)
UNGRADED = ("no_grad", "inference_mode")
MODULES = re.compile(r"nn\.(?!functional)\w+(?<!Loss)\(|optim\.|torch\.optim")


def protected(tree: ast.Module, *, data: bool) -> set[int]:
    """Return the ids of the nodes that the metric is computed by; with `data`, of what makes its targets as well."""
    regions = [node for node in ast.walk(tree) if _measures(node)]
    spared = {id(inner) for region in regions for inner in ast.walk(region)}
    assigned = list(_assignments(tree))
    told = _only_told(tree, assigned, spared)
    spared |= {id(inner) for names, node in assigned if names and names <= told for inner in ast.walk(node)}
    modules = {name for names, node in assigned if MODULES.search(ast.unparse(node)) for name in names}
    modules |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    modules |= {name for names, node in assigned for name in names if _makes(node, modules)}
    wanted = {
        name for region in regions for name in (_read(region) if data else _called_names(region)) if name not in modules
    }
    while True:
        makers = [node for names, node in assigned if names & wanted and id(node) not in spared]
        if not makers:
            return spared
        for node in makers:
            spared |= {id(inner) for inner in ast.walk(node)}
            wanted |= _read(node) - modules if data else set()


def _only_told(tree: ast.Module, assigned: list[tuple[set[str], ast.AST]], spared: set[int]) -> set[str]:
    """Return the names that are printed, and that nothing else reads but what measures and what adds to them."""
    own = {id(inner) for names, node in assigned for inner in ast.walk(node) if names & _read(node)}
    read = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in spared | own
    }
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    printed = {
        name for node in ast.walk(tree) if isinstance(node, ast.Expr) and _measures(node) for name in _read(node)
    }
    return printed - read - functions


def _measures(node: ast.AST) -> bool:
    """Return whether a node is part of an evaluation, a print or a setting."""
    if isinstance(node, ast.With):
        return any(word in ast.unparse(item.context_expr) for item in node.items for word in UNGRADED)
    if isinstance(node, ast.FunctionDef):
        marked = any(word in ast.unparse(mark) for mark in node.decorator_list for word in UNGRADED)
        return marked or bool(MEASURING.search(node.name))
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr | ast.Assign):
        text = ast.unparse(node)
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            return bool(MEASURING.search(node.value.func.id)) or text.startswith("print(")
        told = text.startswith("print(") or "RESULT" in text or isinstance(node.value, ast.Constant | ast.JoinedStr)
        return bool(SETTING.search(text)) or (told and not isinstance(node, ast.Assign)) or "RESULT" in text
    return False


def _assignments(tree: ast.Module) -> Iterator[tuple[set[str], ast.AST]]:
    """Yield what defines names, with the names: assignments, loops by their iterable, functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield {i.id for target in targets for i in ast.walk(target) if isinstance(i, ast.Name)}, node
        elif isinstance(node, ast.FunctionDef):
            yield {node.name}, node


def _makes(node: ast.AST, modules: set[str]) -> bool:
    value = getattr(node, "value", None)
    return any(isinstance(i.func, ast.Name) and i.func.id in modules for i in _calls(value))


def _calls(node: ast.AST | None) -> Iterator[ast.Call]:
    """Yield a call and the calls in its receivers and lists, as in `[Net() for _ in range(3)]`."""
    if node is not None:
        yield from (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


def _read(node: ast.AST) -> set[str]:
    return {i.id for i in ast.walk(node) if isinstance(i, ast.Name) and isinstance(i.ctx, ast.Load)}


def _called_names(node: ast.AST) -> set[str]:
    return {call.func.id for call in _calls(node) if isinstance(call.func, ast.Name)}


def alike(tree: ast.Module) -> dict[int, list[str]]:
    """Return for each name that is read the other names of its scope that were made with it, or made as it was.

    Made together are the names of one tuple and the arguments of one function; made alike, the results of one call.
    """
    found: dict[int, list[str]] = {}
    for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]:
        groups = list(_groups(scope))
        for node in ast.walk(scope):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                others = {name for group in groups if node.id in group for name in group}
                found[id(node)] = sorted(others - {node.id, "self"})
    return found


def _groups(scope: ast.AST) -> Iterator[set[str]]:
    if isinstance(scope, ast.FunctionDef):
        yield {argument.arg for argument in scope.args.args}
    made: dict[str, set[str]] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store):
            yield {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        elif (
            isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call)
        ):
            made.setdefault(ast.unparse(node.value.func), set()).add(node.targets[0].id)
    yield from made.values()
