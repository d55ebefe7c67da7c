"""A divergence that a loss function works out and does not add to what it returns: its name is read nowhere."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

NAME = re.compile(r"(kld?|kl_?div(ergence)?|commit(ment)?|aux(iliary)?|balance|vq|ortho\w*|perceptual|consistency)"
                  r"(_?(loss|term))?(_\w)?", re.IGNORECASE)  # fmt: skip
# -0.5 * sum(1 + logvar - mu ** 2 - exp(logvar)), whatever its parts are called.
GAUSSIANS = re.compile(r"\b1 \+ [\w.]+ - .*exp\(")


@pattern("term", "name", words=(("loss", "Loss", "BCE", "mse"), ("kl", "KL", "aux", "commit", "balance", "exp(")))
def loss_term_left_out(training: Training) -> Iterator[Match]:
    """Yield terms of a loss that a function binds to a name and never reads, though it returns another loss."""
    for function in training.script.functions:
        returned = [n.value for n in training.script.inside(function) if isinstance(n, ast.Return) and n.value]
        if not returned:
            continue
        for node in training.script.inside(function):
            target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
            if not isinstance(target, ast.Name) or reads(function, target.id):
                continue
            if _is_term(node.value, target.id) and any(_is_loss(function, value) for value in returned):  # type: ignore[attr-defined]
                yield Match(node, {"term": ast.unparse(node.value), "name": target.id}, returned[-1])  # type: ignore[attr-defined]


def _is_term(value: ast.expr, name: str) -> bool:
    """Return whether a value is computed, and is the divergence of Gaussians or has the name of a term."""
    if not isinstance(value, (ast.BinOp, ast.Call, ast.UnaryOp)):
        return False
    return NAME.fullmatch(name) is not None or GAUSSIANS.search(ast.unparse(value)) is not None


def _is_loss(function: ast.AST, value: ast.expr) -> bool:
    """Return whether what is returned is called a loss, or the function is."""
    names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} | {getattr(function, "name", "")}
    return any(re.search(r"loss|bce|mse|nll|elbo|objective|criterion", name, re.IGNORECASE) for name in names)
