"""A hinge loss of an adversary that asks for high scores of the real and of the made alike."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MADE = re.compile(r"fake|gen|recon|synth", re.IGNORECASE)
MEANS = frozenset({"mean", "sum"})
BOTH = 2


@pattern("term", "score", words=(("relu(",), ("1 -", "1.0 -", "1. -"), ("fake", "gen", "recon", "synth")))
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield the hinge of what was made that has the sign of the one of what is real, in one sum."""
    for node in training.script.of_type(ast.BinOp):
        if not isinstance(node.op, ast.Add):
            continue
        hinges = [hinge for side in (node.left, node.right) if (hinge := _hinge(training, side)) is not None]
        made = [hinge for hinge in hinges if MADE.search(ast.unparse(hinge[1].args[0]))]
        one_net = len({ast.unparse(score.func) for _, score in hinges}) == 1
        if len(hinges) == BOTH and len(made) == 1 and one_net:
            term, score = made[0]
            yield Match(term, {"term": ast.unparse(term), "score": ast.unparse(score)}, node)


def _hinge(training: Training, side: ast.expr) -> tuple[ast.Call, ast.Call] | None:
    """Return a hinge relu(1 - net(x)) and the score in it, through a mean."""
    while isinstance(side, ast.Call) and called(side) in MEANS:
        inner = side.func.value if isinstance(side.func, ast.Attribute) else None
        module = isinstance(inner, ast.Name) and inner.id == "torch"
        side = side.args[0] if side.args and module else inner or side.func
    given = side.args[0] if isinstance(side, ast.Call) and called(side) == "relu" and side.args else None
    if not isinstance(given, ast.BinOp) or not isinstance(given.op, ast.Sub) or constant(given.left) != 1:
        return None
    score = given.right if isinstance(given.right, ast.Call) else training.values.single(given.right)
    is_score = isinstance(side, ast.Call) and isinstance(score, ast.Call) and len(score.args) == 1
    return (side, score) if is_score else None  # type: ignore[return-value]
