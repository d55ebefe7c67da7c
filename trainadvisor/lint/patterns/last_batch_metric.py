"""Counts that a loop over batches sets anew each time, divided by the size of all batches behind it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

BATCHES = re.compile(r"load|_dl\b|\bdl\b|batch|_iter\b", re.IGNORECASE)
# What says how many examples or batches a whole set has.
WHOLE = re.compile(
    r"len\([\w.]*(load|data|_set|_ds|_dl)\w*\)|^\w+\.(shape\[0\]|size\(0\))$|"
    r"^(?!.*batch)\w*(dataset|total|samples|examples|(n|num)_(test|val|train)|test_size|val_size)\w*(\[[\w'\"]+\])?$",
    re.IGNORECASE,
)
LOSS = re.compile(r"loss|criterion|cross_entropy", re.IGNORECASE)
AT_ONCE = re.compile(r"batch_size=(len\(|\w+\.shape\[0\])")


@pattern("count", "figure", words=(("sum(", "item("), ("/",), (" in ",), ("==", "eq(", "loss", "criterion")))
def metric_of_last_batch(training: Training) -> Iterator[Match]:
    """Yield counts that each batch of a loop sets anew, where they are divided by the size of all batches behind it."""
    if AT_ONCE.search(words_of(training.script.tree)):
        return
    for loop in training.script.of_type(ast.For):
        if not is_of_batches(loop):
            continue
        sets = [n for n in ast.walk(loop) if isinstance(n, ast.Name) and _is_set(n)]
        counters = {n.id for n in sets if isinstance(training.script.parents.get(n), ast.AugAssign)}
        own = {n.id for n in sets} - counters
        after = list(behind(training, loop))
        for made, name in (*_set_anew(loop), *_begun_anew(loop)):
            quotient = next((n for n in after if _divides(training, n, name, own, counters)), None)
            if quotient is not None:
                yield Match(made, {"count": name, "figure": words_of(quotient)}, quotient)


def is_of_batches(loop: ast.For) -> bool:
    """Return whether a loop goes through the batches of a loader to the end."""
    leaves = any(isinstance(n, (ast.Break, ast.Return)) for n in ast.walk(loop))
    source = words_of(loop.iter)
    return not leaves and BATCHES.search(source) is not None and "range(" not in source


def _set_anew(loop: ast.For) -> Iterator[tuple[ast.Assign, str]]:
    """Yield where every round sets a name to what its batch has right, and nothing in the loop hands that on."""
    own = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and _is_set(n)}
    grown = set().union(*(_grown(n) for n in ast.walk(loop)))
    for made in (s for s in _always(loop.body) if isinstance(s, ast.Assign)):
        target = made.targets[0]
        if (
            not isinstance(target, ast.Name)
            or not names_in(made.value) & (own - {target.id})
            or not (_is_count(made.value) or _is_loss(made.value))
        ):
            continue
        if names_in(made.value) & grown:
            continue
        if sum(_is_set(n) and n.id == target.id for n in ast.walk(loop)) == 1 and not reads(loop, target.id):  # type: ignore[attr-defined]
            yield made, target.id


def _begun_anew(loop: ast.For) -> Iterator[tuple[ast.Assign, str]]:
    """Yield where every round begins at 0 what it adds to once, and hands on to nothing."""
    added = [
        n for n in _always(loop.body) if isinstance(n, ast.AugAssign) and (_is_count(n.value) or _is_loss(n.value))
    ]
    names = [n.target.id for n in added if isinstance(n.target, ast.Name)]
    for made in (s for s in _always(loop.body) if isinstance(s, ast.Assign)):
        target = made.targets[0]
        added_to = isinstance(target, ast.Name) and names.count(target.id) == 1 and not reads(loop, target.id)
        if isinstance(target, ast.Name) and added_to and constant(made.value) in (0, 0.0):
            yield made, target.id


def _grown(node: ast.AST) -> set[str]:
    """Return the names that a node adds to: a count of all that was collected so far is none of one batch."""
    if isinstance(node, ast.AugAssign):
        return names_in(node.target)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return names_in(node.targets[0]) & names_in(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("append", "extend"):
        return names_in(node.func.value)
    return set()


def _always(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that each round of a loop carries out."""
    for statement in body:
        yield from _always(statement.body) if isinstance(statement, ast.With) else [statement]


def _is_set(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _is_count(value: ast.expr) -> bool:
    """Return whether a value counts where predictions agree with labels."""
    names = {called(n) for n in ast.walk(value) if isinstance(n, ast.Call)}
    agrees = any(isinstance(n, ast.Compare) and isinstance(n.ops[0], ast.Eq) for n in ast.walk(value))
    return "sum" in names and (agrees or "eq" in names)


def _is_loss(value: ast.expr) -> bool:
    """Return whether a value is the number that a mean loss of one batch is."""
    inner = value.func.value if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) else None
    name = called(inner) if isinstance(inner, ast.Call) else inner.id if isinstance(inner, ast.Name) else ""
    return isinstance(value, ast.Call) and called(value) == "item" and LOSS.search(name) is not None


def behind(training: Training, loop: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes that follow a loop in its block, and in the blocks around it that hold no other loop."""
    block = training.block(loop) or []
    for statement in block[block.index(loop) + 1 :]:
        yield from ast.walk(statement)
    around = training.script.parents.get(loop)
    if isinstance(around, ast.With):
        yield from behind(training, around)


def _divides(training: Training, node: ast.AST, name: str, own: set[str], counters: set[str]) -> bool:
    """Return whether a node divides what a name holds by the number of all examples or batches."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div) or name not in names_in(node.left):
        return False
    size = node.right
    if isinstance(size, ast.Name) and size.id in counters:
        return True
    held = training.values.single(size) if isinstance(size, ast.Name) else None
    size = held if isinstance(held, ast.Call) and called(held) == "len" else size
    return WHOLE.search(words_of(size)) is not None and not names_in(size) & own
