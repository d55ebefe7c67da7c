"""Pairs whose label means the opposite of what the loss takes it for: like pairs are pushed apart."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MARGIN = re.compile(r"margin|clamp|relu|maximum|max\(", re.IGNORECASE)
# What two things are that are of one class or not.
CLASS = re.compile(r"label|class|cls|target|ident|person|(^|[._])(y|id|l|c|k)s?\d*(\b|_|\[)", re.IGNORECASE)
PAIR = re.compile(r"same|similar|pair|target|label|^y$|differ|match", re.IGNORECASE)
LOSS = re.compile(r"loss|criterion|contrastive", re.IGNORECASE)
WRAPPERS = frozenset({"int", "float", "tensor", "array", "from_numpy", "float32", "FloatTensor", "as_tensor", "long",
                      "astype", "to", "float64", "unsqueeze", "bool", "asarray"})  # fmt: skip


@pattern("pair", "loss", words=(("margin",), ("==", "!=", "eq(")))
def pair_label_reversed(training: Training) -> Iterator[Match]:
    """Yield a pair label by comparison of two classes, where the only contrastive loss takes it the other way round."""
    losses = [item for node in training.script.of_type(ast.BinOp) if (item := _contrastive(node)) is not None]
    made = [_label(training, node, [loss for loss, _ in losses]) for node in training.script.of_type(ast.Compare)]
    labels = [label for label in made if label is not None]
    if len({same for _, same in losses}) != 1 or len({same for _, same in labels}) != 1:
        return
    (loss, taken), (pair, given) = losses[0], labels[0]
    if taken != given:
        yield Match(pair, {"pair": words_of(pair), "loss": words_of(loss)}, loss)


def _contrastive(node: ast.BinOp) -> tuple[ast.BinOp, bool] | None:
    """Return a sum of label * near + (1 - label) * far, with whether a label of 1 means the same class."""
    if not isinstance(node.op, ast.Add):
        return None
    left, right = _factors(node.left), _factors(node.right)
    for one, other in ((left, right), (right, left)):
        name = next((n for f in one if (n := _rest_of(f))), "")
        if name and name in {words_of(f) for f in other}:
            pushed = [MARGIN.search(" ".join(map(words_of, side))) is not None for side in (one, other)]
            if pushed[0] != pushed[1]:
                # (1 - label) stands before the term that pushes apart: 1 is the same class.
                return node, pushed[0]
    return None


def _factors(expr: ast.expr) -> list[ast.expr]:
    """Return the factors of a product, out of a mean or a sum."""
    if isinstance(expr, ast.Call) and called(expr) in ("mean", "sum"):
        inner = expr.args[0] if expr.args else expr.func.value if isinstance(expr.func, ast.Attribute) else None
        return _factors(inner) if inner is not None else [expr]
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, (ast.Mult, ast.Div)):
        return [*_factors(expr.left), *_factors(expr.right)]
    return [expr]


def _rest_of(expr: ast.expr) -> str:
    """Return x of 1 - x, "" for anything else."""
    is_rest = isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Sub) and constant(expr.left) in (1, 1.0)
    return words_of(expr.right) if is_rest and isinstance(expr.right, (ast.Name, ast.Call)) else ""  # type: ignore[attr-defined]


def _label(training: Training, node: ast.Compare, losses: list[ast.BinOp]) -> tuple[ast.Compare, bool] | None:
    """Return a comparison of two classes that becomes the label of pairs as it is or from 1, with what 1 means."""
    parent, same = _number(training, node) if _is_of_classes(node) else (None, False)
    function = training.script.function_of(node)
    made = function is not None and function.name in ("__getitem__", "__iter__", "collate_fn", "make_pairs")
    if not isinstance(parent, ast.Assign):
        return (node, same) if made and isinstance(parent, (ast.Return, ast.Tuple, ast.Yield, ast.Dict)) else None
    name = words_of(parent.targets[0])
    uses = [n for n in training.script.inside(training.script.scope(node)) if isinstance(n, ast.Name) and n.id == name]
    around = [training.script.parents[n] for n in uses]
    if any(isinstance(n, (ast.BinOp, ast.UnaryOp, ast.Subscript, ast.IfExp)) and not _in(n, losses) for n in around):
        return None  # it may be turned round by what is done with it
    known = made or any(_in(n, losses) or _is_loss(training, n, losses) for n in around)
    return (node, same) if known and (made or PAIR.search(name)) else None


def _is_of_classes(node: ast.Compare) -> bool:
    """Return whether a comparison says if two classes are the same or not."""
    sides = (node.left, node.comparators[0])
    plain = isinstance(node.ops[0], (ast.Eq, ast.NotEq)) and all(constant(side) is None for side in sides)
    return plain and all(CLASS.search(words_of(side)) for side in sides)


def _number(training: Training, node: ast.Compare) -> tuple[ast.AST | None, bool]:
    """Return what a comparison stands in as a number, and whether 1 means the same; nothing where that is unclear."""
    same, numbered = isinstance(node.ops[0], ast.Eq), False
    parent = training.script.parents.get(node)
    while isinstance(parent, (ast.Call, ast.List, ast.Attribute, ast.BinOp)):
        if isinstance(parent, ast.BinOp) and _rest_of(parent):
            same = not same
        elif isinstance(parent, ast.BinOp) or (isinstance(parent, ast.Call) and called(parent) not in WRAPPERS):
            return None, same
        numbered = numbered or isinstance(parent, ast.Call)
        parent = training.script.parents.get(parent)
    return (parent if numbered else None), same


def _in(node: ast.AST, losses: list[ast.BinOp]) -> bool:
    """Return whether a node is a part of one of the losses."""
    return any(node in set(ast.walk(loss)) for loss in losses)


def _is_loss(training: Training, call: ast.AST, losses: list[ast.BinOp]) -> bool:
    """Return whether a node is a call of a function or a module that computes one of the losses, or is named so."""
    if not isinstance(call, ast.Call):
        return False
    made = training.made(call.func)
    names = {called(call), called(made) if made is not None else ""}
    owners = [n for loss in losses for n in (training.script.function_of(loss), training.script.class_of(loss)) if n]
    return bool(names & {owner.name for owner in owners}) or LOSS.search(words_of(call.func)) is not None
