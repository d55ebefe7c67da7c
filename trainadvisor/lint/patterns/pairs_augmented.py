"""A random change of place that is drawn anew for the target of an example."""

from __future__ import annotations

import ast
from itertools import combinations
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import is_seed, of_a_pair
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import draws, is_backward

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Random transforms of torchvision and its kin that move pixels, and those that leave them where they are.
STAYING = frozenset({"RandomErasing", "RandomGrayscale", "RandomInvert", "RandomPosterize", "RandomSolarize",
                     "RandomAdjustSharpness", "RandomAutocontrast", "RandomEqualize", "RandomSampler",
                     "RandomBrightness", "RandomContrast", "RandomGamma"})  # fmt: skip
MOVING = frozenset({"flip", "fliplr", "flipud", "hflip", "vflip", "rot90", "roll", "rotate", "crop", "affine",
                    "resized_crop", "transpose", "warp_affine", "warpAffine", "grid_sample"})  # fmt: skip


@pattern("first", "second", words=(("Random", "random", "rand"),))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield where one random transform is called on an example and on its target, without one seed for both."""
    for function in training.script.functions:
        calls = [n for n in training.script.inside(function) if isinstance(n, ast.Call) and _is_plain(n)]
        for one, other in combinations(sorted(calls, key=lambda c: (c.lineno, c.col_offset)), 2):
            if ast.unparse(one.func) != ast.unparse(other.func) or ast.dump(one) == ast.dump(other):
                continue
            if not of_a_pair(ast.unparse(one.args[0]), ast.unparse(other.args[0])) or not _moves(training, one):
                continue
            if not any(is_seed(n) for n in ast.walk(function)) and _same_block(training, one, other):
                yield Match(other, {"first": ast.unparse(one), "second": ast.unparse(other)}, one)
                break


def _is_plain(call: ast.Call) -> bool:
    """Return whether a call is given one value under a name, and nothing that could hold what was drawn."""
    given = call.args[0] if len(call.args) == 1 and not call.keywords else None
    return isinstance(given, (ast.Name, ast.Attribute, ast.Subscript))


def _moves(training: Training, call: ast.Call) -> bool:
    """Return whether a call changes places by chance: a transform that does, or a function that draws."""
    functions = training.called_functions(call)
    if functions:
        return all(_draws_a_move(training, f) for f in functions)
    made = training.made(call.func)
    if made is None or "Replay" in called(made):
        return False
    # A chain such as Compose moves as soon as one of its links does.
    return any(_is_moving(training, n) for n in ast.walk(made) if isinstance(n, ast.Call))


def _is_moving(training: Training, made: ast.Call) -> bool:
    """Return whether what a call makes changes places by chance: a class of the script, or one called so."""
    owner, name = training.script.classes.get(called(made)), called(made)
    if owner is None:
        return (name.startswith("Random") and name not in STAYING) or name == "ElasticTransform"
    method = training.script.method(owner, "__call__") or training.script.method(owner, "forward")
    return method is not None and _draws_a_move(training, method)


def _draws_a_move(training: Training, function: ast.AST) -> bool:
    """Return whether a function draws numbers and moves values, without a seed of its own."""
    nodes = list(ast.walk(function))
    moved = any(is_backward(n) or (isinstance(n, ast.Call) and called(n) in MOVING) or _is_cut(n) for n in nodes)
    return moved and next(draws(training, function), None) is not None and not any(map(is_seed, nodes))


def _is_cut(node: ast.AST) -> bool:
    """Return whether a node cuts a window out: x[..., top:top + size]."""
    parts = node.slice.elts if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) else []
    return any(isinstance(p, ast.Slice) and isinstance(p.upper, ast.BinOp) for p in parts)


def _same_block(training: Training, one: ast.Call, other: ast.Call) -> bool:
    """Return whether two calls are made one with the other: in one statement, or in two of one block."""
    first, second = training.script.statement(one), training.script.statement(other)
    block = training.block(first)
    return first is second or (block is not None and second in block)
