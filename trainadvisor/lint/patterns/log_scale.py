"""A learned scale that starts as a logarithm and multiplies the cosines as it is, without exp()."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SCALE = re.compile(r"scale|temp|tau", re.IGNORECASE)
COUNT = re.compile(r"n|c|k|(\w*_)?(num|len|length|classes|dim|size)(_\w*)?", re.IGNORECASE)
LOGARITHMS = frozenset({"log", "log2", "log10"})


@pattern("scale", "product", words=(("log(",), ("Parameter(",), ("scale", "temp", "tau")))
def temperature(training: Training) -> Iterator[Match]:
    """Yield products with a parameter that is named a scale and was made by a logarithm, where nothing undoes that."""
    for owner in training.module_classes:
        for name in sorted(_logarithmic(owner)):
            uses = [n for n in ast.walk(training.script.tree) if _is_read(n, name)]
            products = [parent for n in uses if (parent := _product(training, n)) is not None]
            raised = any(_is_raised(training, n) for n in uses)
            if products and not raised:
                yield Match(products[0], {"scale": f"self.{name}", "product": ast.unparse(products[0])})


def _logarithmic(owner: ast.ClassDef) -> set[str]:
    """Return the attributes that are parameters made of a logarithm."""
    found = set()
    for node in ast.walk(owner):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Attribute) and SCALE.search(target.attr) and isinstance(node, ast.Assign):
            calls = [n for n in ast.walk(node.value) if isinstance(n, ast.Call)]
            if any(called(n) == "Parameter" for n in calls) and any(map(_of_a_scale, calls)):
                found.add(target.attr)
    return found


def _of_a_scale(call: ast.Call) -> bool:
    """Return whether a logarithm is that of a scale: log(n) of a number of classes or places is a scale by itself."""
    names = names_in(call) | {n.attr for n in ast.walk(call) if isinstance(n, ast.Attribute)}
    return called(call) in LOGARITHMS and not any(COUNT.fullmatch(name) for name in names)


def _is_read(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Load)


def _product(training: Training, node: ast.AST) -> ast.BinOp | None:
    """Return the product or quotient of a parameter with something that is no number."""
    parent = training.script.parents.get(node)
    scaled = isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Mult, ast.Div))
    return parent if scaled and not any(isinstance(n, ast.Constant) for n in (parent.left, parent.right)) else None  # type: ignore[union-attr,return-value]


def _is_raised(training: Training, node: ast.AST) -> bool:
    """Return whether a parameter is handed on, or called upon: exp() may be taken there."""
    parent = training.script.parents.get(node)
    if isinstance(parent, ast.Attribute):
        return parent.attr not in ("item", "data", "detach", "grad", "requires_grad", "clamp_")
    return isinstance(parent, (ast.Call, ast.Assign, ast.Return, ast.keyword)) and not _is_shown(parent)


def _is_shown(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and called(node) in ("print", "float", "append")
