"""A discount of 1 in targets of Q-learning: values chase themselves where episodes do not end."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import constant, keyword, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

NAMES = re.compile(r"gamma|discount(_?factor|_?rate)?", re.IGNORECASE)


@pattern("name", words=(("gamma", "GAMMA", "discount", "DISCOUNT"), ("reward", "rew"), (".max(", "amax(", "argmax(")))
def gamma_one(training: Training) -> Iterator[Match]:
    """Yield where a name is given the value 1 that something is multiplied with before a sum, as a discount is."""
    discounts = set(_discounts(training))
    for name, value in _given(training):
        if name in discounts and constant(value) == 1 and constant(value) is not True:
            yield Match(value, {"name": name})


def _discounts(training: Training) -> Iterator[str]:
    """Yield the names of discounts among the factors of sums."""
    for node in training.script.of_type(ast.BinOp):
        if isinstance(node.op, ast.Add):
            for side in (node.left, node.right):
                yield from (name for name in _factors(side) if NAMES.fullmatch(name))


def _factors(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from _factors(node.left)
        yield from _factors(node.right)
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr


def _given(training: Training) -> Iterator[tuple[str, ast.expr]]:
    """Yield names with what they are assigned or stand for where an argument or an option is left out."""
    for call in training.methods("add_argument"):
        value, option = keyword(call, "default"), constant(call.args[-1]) if call.args else None
        if value is not None and isinstance(option, str):
            yield option.lstrip("-").replace("-", "_"), value
    for field in training.script.of_type(ast.AnnAssign):
        if isinstance(field.target, ast.Name) and field.value is not None:
            yield field.target.id, field.value
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        if isinstance(target, (ast.Name, ast.Attribute)):
            yield last_name(target), node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=False)
            yield from ((name.id, value) for name, value in pairs if isinstance(name, ast.Name))
    for function in training.script.functions:
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        yield from ((a.arg, v) for a, v in zip(positional[::-1], arguments.defaults[::-1], strict=False))
        yield from ((a.arg, v) for a, v in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if v)
