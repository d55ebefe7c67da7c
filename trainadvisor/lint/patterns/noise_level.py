"""A noising in one jump that takes the level of a single step: the alphas were never multiplied up."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What multiplies up, or gives the level of a step in one formula.
MULTIPLIED = re.compile(r"cumprod|cumsum|cumulative|_bar|bar_|abar|alphabar|prod\(")
WHOLE = 0.5
SPREAD = frozenset({"linspace", "arange", "logspace"})


@pattern("level", "alphas", words=(("linspace", "logspace", "arange"), ("randn",), ("sqrt", "** 0.5", "**0.5"),
                                   ("randint",), ("beta",)))  # fmt: skip
def noise_level_of_one_step(training: Training) -> Iterator[Match]:
    """Yield sqrt(1 - alphas) of alphas = 1 - betas where the script never multiplies them up and noises at any step."""
    if MULTIPLIED.search(_code(training)) or any(
        map(_multiplies_up, training.script.of_type(ast.Assign, ast.AugAssign))
    ):
        return
    for node in training.script.of_type(ast.BinOp):
        if not isinstance(node.op, ast.Sub) or constant(node.left) not in (1, 1.0):
            continue
        rooted = training.script.parents.get(node)
        alphas = _whole(training, node.right)
        made = training.values.single(alphas) if isinstance(alphas, (ast.Name, ast.Attribute)) else None
        if _is_of_loop(training, node.right):
            continue
        if _is_root(rooted) and made is not None and _is_rest_of_betas(training, made):
            yield Match(node, {"level": ast.unparse(rooted or node), "alphas": ast.unparse(alphas)}, made)
            return


def _multiplies_up(node: ast.AST) -> bool:
    """Return whether a statement multiplies something called alpha into what it holds: level *= alphas[t]."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Mult) and "alpha" in ast.unparse(node)
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.BinOp):
        return False
    again = ast.unparse(node.value.left) in map(ast.unparse, node.targets)
    return again and isinstance(node.value.op, ast.Mult) and "alpha" in ast.unparse(node.value)


def _is_of_loop(training: Training, alphas: ast.expr) -> bool:
    """Return whether the step is counted by a loop around, which walks the chain."""
    counted = {
        name for loop in training.script.loops(alphas) if isinstance(loop, ast.For) for name in names_in(loop.target)
    }
    return isinstance(alphas, ast.Subscript) and bool(counted & names_in(alphas.slice))


def _whole(training: Training, level: ast.expr) -> ast.expr:
    """Return the array of alphas[t], alphas[t].view(-1, 1) and of a name for either."""
    made = training.values.single(level) if isinstance(level, ast.Name) else level
    while isinstance(made, ast.Call) and called(made) in ("view", "reshape") and isinstance(made.func, ast.Attribute):
        made = made.func.value
    while isinstance(made, ast.Subscript):
        made = made.value
    return made if isinstance(made, (ast.Name, ast.Attribute)) else level


def _code(training: Training) -> str:
    """Return a script without its comments and texts."""
    names = [n.id for n in training.script.of_type(ast.Name)]
    return " ".join([*names, *(f"{called(call)}(" for call in training.script.calls)])


def _is_root(node: ast.AST | None) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Pow) and constant(node.right) == 0.5  # noqa: PLR2004 - a square root
    if isinstance(node, ast.Attribute):
        return node.attr == "sqrt"
    return isinstance(node, ast.Call) and called(node) == "sqrt"


def _is_rest_of_betas(training: Training, value: ast.expr) -> bool:
    """Return whether a value is 1 - betas, of betas that are spread over the steps."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Sub) or constant(value.left) not in (1, 1.0):
        return False
    betas = training.values.single(value.right) if isinstance(value.right, (ast.Name, ast.Attribute)) else value.right
    calls = [n for n in ast.walk(betas) if isinstance(n, ast.Call)] if betas is not None else []
    return any(called(call) in SPREAD and not _is_whole(call) for call in calls)


def _is_whole(call: ast.Call) -> bool:
    """Return whether the level goes up to all of the noise, which no single step adds."""
    last = constant(call.args[1]) if len(call.args) > 1 else None
    return called(call) == "linspace" and isinstance(last, (int, float)) and last >= WHOLE
