"""What is done with names: where they are read, what an expression names, and where numbers are drawn at random."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MAKERS = frozenset({"default_rng", "RandomState", "Random"})
NO_DRAWS = frozenset({*MAKERS, "seed", "Generator", "get_state", "set_state", "getstate", "setstate"})
TORCH_DRAWS = frozenset({"rand", "randn", "randint", "rand_like", "randn_like", "randperm", "normal", "bernoulli",
                         "multinomial"})  # fmt: skip


def reads(scope: ast.AST, name: str) -> list[ast.Name]:
    """Return where a name is read in a node, inner functions included."""
    return [n for n in ast.walk(scope) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]


def names_in(node: ast.AST) -> set[str]:
    """Return the names that stand in a node."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def is_draw(training: Training, node: ast.AST) -> bool:
    """Return whether a node is a call that draws random numbers."""
    if not isinstance(node, ast.Call):
        return False
    full, name = training.script.full(node.func), called(node)
    if full.startswith(("numpy.random.", "random.")):
        return name not in NO_DRAWS
    if full.startswith("torch."):
        return name in TORCH_DRAWS
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, (ast.Name, ast.Attribute)):
        made = training.made(node.func.value)
        return made is not None and called(made) in MAKERS and name not in NO_DRAWS
    return False


def draws(training: Training, scope: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls in a node that draw random numbers."""
    yield from (n for n in ast.walk(scope) if isinstance(n, ast.Call) and is_draw(training, n))


def is_backward(node: ast.AST) -> bool:
    """Return whether a node goes through something from its end: reversed(x), x[::-1], range(n, -1, -1)."""
    if isinstance(node, ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return any(isinstance(part, ast.Slice) and constant(part.step) == -1 for part in parts)
    if not isinstance(node, ast.Call):
        return False
    name = called(node)
    if name == "range":
        return len(node.args) == 3 and constant(node.args[2]) == -1  # noqa: PLR2004 - start, stop and step
    return name in ("reversed", "reverse", "flip", "flipud", "fliplr")
