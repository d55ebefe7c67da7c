"""Pairs whose label means the opposite of what the loss takes it for: like pairs are pushed apart."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MARGIN = re.compile(r"margin|clamp|relu|maximum|max\(", re.IGNORECASE)
# What two things are that are of one class or not.
CLASS = re.compile(r"label|class|cls|target|ident|person|(^|[._])(y|id|l|c|k)[ab]?s?\d*(\b|_|\[)", re.IGNORECASE)
PAIR = re.compile(r"same|similar|pair|target|label|^y$|differ|match|genuine|positive", re.IGNORECASE)
SAME = re.compile(r"(^|_|\.)(same|similar|match(es|ing)?|positive|is_pos)($|_)", re.IGNORECASE)
OTHER = re.compile(r"differ|dissim|not_|negative|(^|_)un|mismatch|sample|pairs?($|_)", re.IGNORECASE)
EVALUATION = re.compile(r"eval|valid|test|score|accuracy|metric", re.IGNORECASE)
WRAPPERS = frozenset({"int", "float", "tensor", "array", "from_numpy", "float32", "FloatTensor", "as_tensor", "long",
                      "astype", "to", "float64", "unsqueeze", "bool", "asarray"})  # fmt: skip


@pattern("pair", "loss", words=(("margin",), ("==", "!=", "eq(", "same", "similar", "match", "positive")))
def pair_label_reversed(training: Training) -> Iterator[Match]:
    """Yield a pair label by comparison of two classes, where the only contrastive loss takes it the other way round."""
    losses = [item for n in training.script.of_type(ast.BinOp) if (item := _contrastive(training, n)) is not None]
    labels = [found for node in training.script.of_type(ast.Compare) if (found := _label(training, node)) is not None]
    labels += [found for loss, _ in losses for found in _named(training, loss)]
    if len({same for _, same in losses}) != 1 or len({same for _, same in labels}) != 1:
        return
    (loss, taken), (pair, given) = losses[0], labels[0]
    if taken != given:
        yield Match(pair, {"pair": words_of(pair), "loss": words_of(loss)}, loss)


def _contrastive(training: Training, node: ast.BinOp) -> tuple[ast.BinOp, bool] | None:
    """Return a sum of label * near + (1 - label) * far, with whether a label of 1 means the same class."""
    if not isinstance(node.op, ast.Add):
        return None
    left, right = _factors(_term(training, node.left)), _factors(_term(training, node.right))
    for one, other in ((left, right), (right, left)):
        name = next((n for f in one if (n := _rest_of(f))), "")
        if name and name in {words_of(f) for f in other}:
            pushed = [MARGIN.search(" ".join(_texts(training, side))) is not None for side in (one, other)]
            if pushed[0] != pushed[1]:
                # (1 - label) stands before the term that pushes apart: 1 is the same class.
                return node, pushed[0]
    return None


def _term(training: Training, expr: ast.expr) -> ast.expr:
    """Return what a name in a sum stands for, out of a mean or a sum."""
    if isinstance(expr, ast.Call) and called(expr) in ("mean", "sum"):
        inner = expr.args[0] if expr.args else expr.func.value if isinstance(expr.func, ast.Attribute) else None
        return _term(training, inner) if inner is not None else expr
    return _bound(training, expr) or expr


def _bound(training: Training, expr: ast.expr) -> ast.expr | None:
    """Return the only value that a name is bound to."""
    bound = training.script.reaching(expr) if isinstance(expr, ast.Name) else []
    return bound[0].value if len(bound) == 1 and bound[0].kind == "value" and not bound[0].path else None


def _texts(training: Training, factors: list[ast.expr]) -> Iterator[str]:
    """Yield factors as text, and what the names in them are bound to."""
    for factor in factors:
        yield words_of(factor)
        held = (_bound(training, n) for n in ast.walk(factor) if isinstance(n, ast.Name))
        yield from (words_of(value) for value in held if value is not None)


def _named(training: Training, loss: ast.expr) -> Iterator[tuple[ast.expr, bool]]:
    """Yield labels given to the function of a loss under a name that says what 1 means, such as is_same."""
    function, owner = training.script.function_of(loss), training.script.class_of(loss)
    sums = [_rest_of(f) for n in ast.walk(function or loss) if isinstance(n, ast.BinOp) for f in _factors(n)]
    label = next((name for name in sums if name), "")
    if function is None or label not in (arguments := [a.arg for a in function.args.args]):
        return
    for call in training.script.calls:
        place = arguments.index(label) - int(owner is not None)
        made = training.made(call.func) if owner is not None else None
        fits = called(made) == owner.name if made is not None and owner is not None else called(call) == function.name
        given = keyword(call, label, place) if fits and call is not made else None
        meant = _says(given) if given is not None else None
        if given is not None and meant is not None:
            yield given, meant


def _says(label: ast.expr) -> bool | None:
    """Return whether the name of a label says that 1 is the same class; None where it says nothing."""
    rest = label
    while (inner := _called_on(rest)) is not None:
        rest = inner
    if isinstance(rest, ast.BinOp) and isinstance(rest.op, ast.Sub) and constant(rest.left) in (1, 1.0):
        opposite = _says(rest.right)
        return None if opposite is None else not opposite
    text = words_of(rest)
    same, other = SAME.search(text) is not None, OTHER.search(text) is not None
    return same if isinstance(rest, (ast.Name, ast.Attribute)) and same != other else None


def _called_on(expr: ast.expr) -> ast.expr | None:
    """Return what a conversion such as .float() is called on."""
    if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and called(expr) in WRAPPERS:
        return expr.func.value
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


def _of_one_table(left: ast.expr, right: ast.expr) -> bool:
    """Return whether two entries of one list are compared, such as writers[i] and writers[j]."""
    if not isinstance(left, ast.Subscript) or not isinstance(right, ast.Subscript):
        return False
    return words_of(left.value) == words_of(right.value) and words_of(left.slice) != words_of(right.slice)


def _label(training: Training, node: ast.Compare) -> tuple[ast.expr, bool] | None:
    """Return a comparison of two classes that becomes a number under a name for pairs, with what 1 means."""
    same = isinstance(node.ops[0], ast.Eq)
    sides = (node.left, node.comparators[0])
    if not (same or isinstance(node.ops[0], ast.NotEq)) or any(constant(side) is not None for side in sides):
        return None
    if not all(CLASS.search(words_of(side)) for side in sides) and not _of_one_table(*sides):
        return None
    numbered = False
    parent = training.script.parents.get(node)
    if isinstance(parent, ast.IfExp) and parent.test is node:
        ends = constant(parent.body), constant(parent.orelse)
        if sorted(map(str, ends)) not in (["0", "1"], ["0.0", "1.0"]):
            return None
        numbered, same = True, same is (ends[0] == 1)
        parent = training.script.parents.get(parent)
    while isinstance(parent, (ast.Call, ast.List, ast.Attribute)):
        numbered = numbered or (isinstance(parent, ast.Call) and called(parent) in WRAPPERS)
        if isinstance(parent, ast.Call) and called(parent) not in WRAPPERS:
            return None
        parent = training.script.parents.get(parent)
    named = isinstance(parent, ast.Assign) and (
        PAIR.search(words_of(parent.targets[0])) is not None or _of_one_table(*sides)
    )
    function = training.script.function_of(node)
    turned = isinstance(parent, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript))
    if turned or (function is not None and EVALUATION.search(function.name)):
        return None  # turned round on purpose; no label of the loss
    made = function is not None and function.name in ("__getitem__", "__iter__", "collate_fn", "make_pairs")
    return (node, same) if numbered and (named or made) else None
