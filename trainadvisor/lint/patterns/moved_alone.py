"""Pairs of an example and its label that are put together after one part alone was put in a random order."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import LABEL, of_a_pair
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.pairs_shuffled import ORDERS
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import MAKERS, is_draw, names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What puts examples and labels together.
JOINING = frozenset({"zip", "TensorDataset", "fit"})
# Names that say that pairs of chance are meant.
MEANT = re.compile(r"shuf|rand|perm|chance|control|null|fake|neg|mismatch|scrambl|corrupt|nois|baseline", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class _Pair:
    """What is put together, the parts with what they were made by, and the names that they are given."""

    node: ast.AST
    parts: tuple[ast.expr, ast.expr]
    made: tuple[ast.expr, ast.expr]
    names: tuple[str, str]


@pattern("first", "second", words=(("randperm(", "permutation("),))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield the only part of a pair that was put in a random order."""
    pairs = list(_pairs(training))
    for pair in pairs:
        moved = [_moved(training, made) for made in pair.made]
        if (moved[0] is None) == (moved[1] is None):
            continue
        place = 0 if moved[1] is None else 1
        drawn = moved[place]
        if (
            drawn is not None
            and _belongs(training, pair, place, drawn)
            and not _elsewhere(training, pairs, pair, drawn)
        ):
            yield Match(drawn, {"first": ast.unparse(pair.parts[1 - place]), "second": ast.unparse(drawn)}, pair.node)


def _pairs(training: Training) -> Iterator[_Pair]:
    for call in training.script.calls:
        if called(call) in JOINING and len(call.args) == 2 and not any(isinstance(a, ast.Starred) for a in call.args):  # noqa: PLR2004
            one, other = call.args
            yield _Pair(call, (one, other), (_made(training, one), _made(training, other)), _names(training, call))
    for node in training.script.of_type(ast.Assign):
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts) == 2:  # noqa: PLR2004
            parts = (value.elts[0], value.elts[1])
            yield _Pair(node, parts, parts, (ast.unparse(target.elts[0]), ast.unparse(target.elts[1])))


def _made(training: Training, part: ast.expr) -> ast.expr:
    """Return what a name stands for, where that is one expression."""
    found = training.values.single(part) if isinstance(part, ast.Name) else part
    return found if isinstance(found, ast.expr) else part


def _names(training: Training, call: ast.Call) -> tuple[str, str]:
    """Return what a loop calls the parts of its pairs, else the parts themselves."""
    loop = training.script.parents.get(call)
    target = loop.target if isinstance(loop, (ast.For, ast.comprehension)) else None
    named = target.elts if isinstance(target, ast.Tuple) and len(target.elts) == len(call.args) else call.args
    return ast.unparse(named[0]), ast.unparse(named[1])


def _moved(training: Training, node: ast.expr | None) -> ast.expr | None:
    """Return the part of an expression that puts all of something in a random order."""
    while node is not None:
        if isinstance(node, ast.Subscript) and _draws(training, node.slice):
            return node
        if isinstance(node, ast.Call) and called(node) == "permutation" and is_draw(training, node):
            return node if node.args and LABEL.search(ast.unparse(node.args[0])) else None
        node = _inner(training, node)
    return None


def _draws(training: Training, index: ast.expr) -> bool:
    made = _made(training, index)
    if not isinstance(made, ast.Call) or called(made) not in ORDERS or made.keywords:
        return False
    owner = made.func.value if isinstance(made.func, ast.Attribute) else None
    return is_draw(training, made) or (isinstance(owner, ast.Call) and called(owner) in MAKERS)


def _inner(training: Training, node: ast.expr) -> ast.expr | None:
    """Return what a call converts or a method is called on."""
    if not isinstance(node, ast.Call):
        return None
    if training.script.full(node.func).startswith(("torch.", "numpy.")):
        return node.args[0] if node.args else None
    return node.func.value if isinstance(node.func, ast.Attribute) else None


def _belongs(training: Training, pair: _Pair, place: int, drawn: ast.expr) -> bool:
    """Return whether two parts are an example and its label that had one order, and no name says otherwise."""
    function = training.script.function_of(pair.node)
    statement = training.script.statement(pair.node)
    targets = [ast.unparse(target) for target in statement.targets] if isinstance(statement, ast.Assign) else []
    said = [*filter(str.isidentifier, pair.names), *targets, function.name if function is not None else ""]
    said += [part.id for part in pair.parts if isinstance(part, ast.Name)]
    if any(map(MEANT.search, said)) or is_draw(training, pair.made[1 - place]):
        return False
    other = pair.parts[1 - place]
    order = names_in(drawn.slice) if isinstance(drawn, ast.Subscript) else set[str]()
    apart = not _held(training, drawn) & _held(training, other) and not order & _own_names(training, other)
    return apart and of_a_pair(*pair.names)


def _held(training: Training, node: ast.AST) -> set[str]:
    """Return the names in an expression without those that only say which rows."""
    rows = {inner for n in ast.walk(node) if isinstance(n, ast.Subscript) for inner in ast.walk(n.slice)}
    held = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n not in rows}
    return held - set(training.script.imports)


def _own_names(training: Training, node: ast.AST) -> set[str]:
    return names_in(node) - set(training.script.imports)


def _elsewhere(training: Training, pairs: list[_Pair], pair: _Pair, drawn: ast.expr) -> bool:
    """Return whether the same labels are also used in their order: pairs of chance beside the true ones."""
    own = _held(training, drawn)
    if isinstance(pair.node, ast.Assign):
        return not own <= set(pair.names) and not _shares_out(training, pair, drawn, own)
    scope, last = training.script.scope(pair.node), int(getattr(pair.node, "end_lineno", 0))
    joined = [p.node for p in pairs if p is not pair and isinstance(p.node, ast.Call)]
    if any(own & names_in(node) for node in joined if training.script.scope(node) is scope):
        return True
    return drawn in ast.walk(pair.node) and any(n.lineno > last for name in own for n in reads(scope, name))


def _shares_out(training: Training, pair: _Pair, drawn: ast.expr, own: set[str]) -> bool:
    """Return whether the rows of a cut are put in order, and only other cuts are read of the whole: train and test."""
    if not isinstance(drawn, ast.Subscript) or not isinstance(drawn.value, ast.Subscript):
        return False
    cut, last = ast.unparse(drawn.value), int(getattr(pair.node, "end_lineno", 0))
    scope = training.script.scope(pair.node)
    later = [training.script.parents.get(n) for name in own for n in reads(scope, name) if n.lineno > last]
    return all(isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Slice) and ast.unparse(n) != cut for n in later)
