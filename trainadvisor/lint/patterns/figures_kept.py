"""Meters and counts that one epoch hands on to the next: the figure of an epoch is one of all epochs so far."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.last_batch_metric import is_of_batches
from trainadvisor.source.syntax import assignments, called, constant
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

METER = re.compile(r"(Meter|Averager)$")
# Figures that are meant to go on: how long a batch takes.
GOES_ON = re.compile(r"time|speed|throughput|eta|total_steps", re.IGNORECASE)
READS = frozenset({"avg", "compute"})
ROUNDS = re.compile(r"range\(|epoch", re.IGNORECASE)
# What counts right answers, examples or losses, and what says how many there were.
ANSWERS = re.compile(r"==|\.eq\(|loss|\.item\(\)|\.size\(0\)|len\(")
SIZES = re.compile(r"len\(|total|count|seen|\bn_")


@pattern("figure", "name", "loop", words=(("Meter", "Averager", "torchmetrics", "+="), (" in ",)))
def metric_never_reset(training: Training) -> Iterator[Match]:
    """Yield what is made before a loop over epochs, grows in a loop over batches inside, and is told each epoch."""
    for loop in (n for n in training.script.of_type(ast.For) if ROUNDS.search(words_of(n.target) + words_of(n.iter))):
        nodes = [node for statement in loop.body for node in training.reached(statement)]
        batches = [node for node in nodes if isinstance(node, ast.For) and is_of_batches(node)]
        inner = {node for batch in batches for node in training.reached(batch)}
        for made, name in _made_before(training, loop) if batches else ():
            own = [node for node in nodes if not _is_another(training, loop, node, name)]
            grows = any(_adds(node, name) for node in own if node in inner)
            told = next((n for n in own if n not in inner and _tells(n, name, names_in(loop.target))), None)
            if grows and told is not None and not any(_sets_back(training, node, name) for node in own):
                rounds = f"for {words_of(loop.target)} in {words_of(loop.iter)}"
                yield Match(made, {"figure": words_of(told), "name": name, "loop": rounds}, told)


def _made_before(training: Training, loop: ast.For) -> Iterator[tuple[ast.stmt, str]]:
    """Yield the meters that are made, and the counts that begin at 0, in the scope of a loop and before it."""
    scope = training.script.scope(loop)
    for node in training.script.of_type(ast.Assign):
        if node.lineno < loop.lineno and training.script.scope(node) is scope:
            for target, value in assignments(node):
                if isinstance(target, ast.Name) and not GOES_ON.search(target.id) and _is_figure(training, value):
                    yield node, target.id


def _is_figure(training: Training, value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        full = training.script.full(value.func)
        return METER.search(called(value)) is not None or full.startswith("torchmetrics.")
    number = constant(value)
    return isinstance(number, (int, float)) and not isinstance(number, bool) and number == 0


def _is_another(training: Training, loop: ast.For, node: ast.AST, name: str) -> bool:
    """Return whether a name means something of the function that a node stands in: an argument, a value of its own."""
    scope = training.script.scope(node)
    return scope is not training.script.scope(loop) and name in training.script.bindings(scope)


def _adds(node: ast.AST, name: str) -> bool:
    """Return whether a node adds a batch to a meter, or what it has right or lost to a count."""
    if isinstance(node, ast.AugAssign):
        return (
            isinstance(node.op, ast.Add)
            and words_of(node.target) == name
            and ANSWERS.search(words_of(node.value)) is not None
        )
    return isinstance(node, ast.Call) and words_of(node.func) in (name, f"{name}.update", f"{name}.add")


def _tells(node: ast.AST, name: str, numbers: set[str]) -> bool:
    """Return whether a node reads a meter's average, or divides a count by a size that knows of no earlier round."""
    if isinstance(node, ast.Attribute):
        return node.attr in READS and words_of(node.value) == name
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div) or name not in names_in(node.left):
        return False
    size = words_of(node.right)
    return SIZES.search(size) is not None and not GOES_ON.search(size) and not names_in(node.right) & numbers


def _sets_back(training: Training, node: ast.AST, name: str) -> bool:
    """Return whether a node begins a figure anew: reset(), or the name bound again."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "reset"
    bound = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name
    return bound and not isinstance(training.script.parents.get(node), ast.AugAssign)
