"""Answers collected from a loader that shuffles, set beside labels that stayed in their order."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.uses import names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

METRIC = re.compile(r"_(score|report|matrix|error|loss|curve|corrcoef)$|^(pearsonr|spearmanr|array_equal|eq)$")
LABELS = re.compile(r"label|target|\.classes$|(^|[\W_])y([\W_]|$)", re.IGNORECASE)
AROUND = frozenset({"tqdm", "enumerate", "iter", "list", "track"})
COLLECTS = frozenset({"append", "extend"})
# One number a batch is no column of answers.
NUMBER = re.compile(r"loss|item\(\)$|\.(mean|sum|norm)\(\)|time", re.IGNORECASE)
# What leaves the entries in their order.
KEEPS = frozenset({"concatenate", "cat", "array", "stack", "vstack", "hstack", "asarray", "tensor", "numpy", "tolist",
                   "list", "flatten", "ravel", "squeeze", "argmax", "astype", "round", "cpu", "Series"})  # fmt: skip


@pattern("answers", "labels", "loader", words=(("shuffle=True",), ("append(", "extend(", "+=")))
def answers_reordered(training: Training) -> Iterator[Match]:
    """Yield where answers that a shuffling loader gave are compared with, or written beside, what kept its order."""
    for loop in training.script.of_type(ast.For):
        kept = collected(loop)
        for loader, scope, names in shuffled(training, loop, kept) if kept else ():
            for node, answers, other in beside(training, scope, names):
                values = {"answers": answers, "labels": other, "loader": ast.unparse(loader)}
                yield Match(node, values, loader)
                break


def collected(loop: ast.For) -> str:
    """Return the only list that a loop over batches adds to, where it leaves the labels of the batches alone."""
    batch = loop.target.elts[-1] if isinstance(loop.target, ast.Tuple) and counts(loop.iter) else loop.target
    parts = batch.elts if isinstance(batch, ast.Tuple) else []
    if any(reads(loop, n) for part in parts[1:] for n in names_in(part)):
        return ""
    if isinstance(batch, ast.Name) and LABELS.search(" ".join(map(ast.unparse, _parts_of(loop, batch.id)))):
        return ""
    grown = [grown for n in ast.walk(loop) if (grown := _grown(n)) is not None]
    one = len(grown) == 1 and not NUMBER.search(ast.unparse(grown[0][1]))
    return ast.unparse(grown[0][0]) if one else ""


def _grown(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """Return the list that a node adds to, and what it adds."""
    if isinstance(node, ast.AugAssign) and _is_list(node.value):
        return node.target, node.value
    call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1
    return (node.func.value, node.args[0]) if call and node.func.attr in COLLECTS else None  # type: ignore[attr-defined]


def counts(iterated: ast.expr) -> bool:
    """Return whether a loop counts what it goes over."""
    return isinstance(iterated, ast.Call) and called(iterated) == "enumerate"


def _parts_of(loop: ast.For, name: str) -> list[ast.AST]:
    """Return what is read out of a batch."""
    kinds = (ast.Subscript, ast.Attribute)
    return [n for n in ast.walk(loop) if isinstance(n, kinds) and name in names_in(n.value)]


def _is_list(value: ast.expr) -> bool:
    return isinstance(value, ast.List) or (isinstance(value, ast.Call) and called(value) in ("tolist", "list"))


def shuffled(training: Training, loop: ast.For, kept: str) -> Iterator[tuple[ast.Call, ast.AST, set[str]]]:
    """Yield the loaders that shuffle which a loop goes over, with the names of the answers and where they are read."""
    iterated = loop.iter
    while isinstance(iterated, ast.Call) and called(iterated) in AROUND and iterated.args:
        iterated = iterated.args[0]
    scope = training.script.scope(loop)
    names = made_of(training, scope, {kept}, loop)
    arguments = [a.arg for a in scope.args.args] if isinstance(scope, ast.FunctionDef) else []
    if not isinstance(iterated, ast.Name) or iterated.id not in arguments:
        made = training.made(iterated)
        if made is not None and shuffles(made):
            yield made, scope, names
        return
    ends = [n.value for n in training.script.inside(scope) if isinstance(n, ast.Return)]
    if len(ends) != 1 or isinstance(ends[0], ast.Tuple) or not names_in(ends[0] or loop) & names:
        return
    for call in training.script.calls:
        given = keyword(call, iterated.id, arguments.index(iterated.id))
        made = training.made(given) if given is not None and called(call) == scope.name else None  # type: ignore[attr-defined]
        if made is not None and shuffles(made):
            around = training.script.scope(call)
            bound = {n for s in _binding(training, call) for n in names_in(s)}
            yield made, around, made_of(training, around, bound, call)


def shuffles(made: ast.Call) -> bool:
    """Return whether what a call makes is a loader that shuffles."""
    return called(made) == "DataLoader" and constant(keyword(made, "shuffle")) is True


def _binding(training: Training, call: ast.Call) -> list[ast.expr]:
    statement = training.script.statement(call)
    return statement.targets if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else []


def made_of(training: Training, scope: ast.AST, names: set[str], start: ast.AST) -> set[str]:
    """Return names, with those that are bound to something made of them behind a place."""
    found = set(names)
    for node in training.script.inside(scope):
        behind = isinstance(node, ast.Assign) and node.lineno > start.lineno  # type: ignore[attr-defined]
        if behind and names_in(node.value) & found and not isinstance(node.value, (ast.Compare, ast.BinOp)):  # type: ignore[attr-defined]
            found |= {t.id for t in node.targets if isinstance(t, ast.Name)}  # type: ignore[attr-defined]
    return found


def beside(training: Training, scope: ast.AST, names: set[str]) -> Iterator[tuple[ast.AST, str, str]]:
    """Yield where answers meet something else, entry by entry: the node, the answers and what they are set beside."""
    for node in training.script.inside(scope):
        pair: list[ast.expr] = []
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            pair = [node.left, node.comparators[0]]
        elif isinstance(node, ast.Call) and METRIC.search(called(node)) and len(node.args) > 1:
            pair = node.args[:2]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            pair = [node.value, node.targets[0]]
        mine = [part for part in pair if names_in(_inner(part)) & names and isinstance(_inner(part), ast.Name)]
        other = [part for part in pair if not names_in(part) & names and _is_whole(part)]
        if len(mine) == 1 and len(other) == 1:
            yield node, ast.unparse(mine[0]), ast.unparse(other[0])


def _inner(part: ast.expr) -> ast.expr:
    """Return what is joined, converted or reshaped."""
    while isinstance(part, ast.Call) and called(part) in KEEPS:
        own = part.func.value if isinstance(part.func, ast.Attribute) else None
        module = isinstance(own, ast.Name) and own.id in ("np", "numpy", "torch", "pd")
        inner = own if own is not None and not module else next(iter(part.args), None)
        if inner is None:
            break
        part = inner
    return part


def _is_whole(part: ast.expr) -> bool:
    """Return whether something is a whole column: labels under a name, or a column of a table."""
    if isinstance(part, ast.Subscript):
        return isinstance(constant(part.slice), str) and isinstance(part.value, ast.Name)
    return LABELS.search(ast.unparse(part)) is not None and constant(part) is None
