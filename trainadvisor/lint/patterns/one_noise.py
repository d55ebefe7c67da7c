"""One random number where each example and dimension is to have its own."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What a sample is spread by: the deviation of a latent.
SPREAD = re.compile(r"exp\(|std|sigma|logvar|log_var|lv\b|deviation", re.IGNORECASE)
WRAPS = frozenset({"to", "item", "cuda", "float", "double", "tensor", "type_as"})


@pattern("noise", "right", words=(("randn", "gauss(", "normal("), ("*",), ("exp(", "std", "sigma")))
def noise_shared(training: Training) -> Iterator[Match]:
    """Yield samples mean + spread * noise whose noise is a single number."""
    for node in training.script.of_type(ast.BinOp):
        if not isinstance(node.op, ast.Mult) or not _is_added(training, node):
            continue
        for noise, spread in ((node.left, node.right), (node.right, node.left)):
            drawn = _drawn(training, noise)
            if drawn is None or not SPREAD.search(words_of(spread)) or not _is_tensor(training, spread):
                continue
            right = f"torch.randn_like({_shaped(spread)})"
            fix = (replaced(training.source, noise, right),) if noise is drawn else None
            yield Match(drawn, {"noise": words_of(drawn), "right": right}, node, fix)


def _is_added(training: Training, product: ast.BinOp) -> bool:
    parent = training.script.parents.get(product)
    return isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add)


def _drawn(training: Training, noise: ast.expr) -> ast.Call | None:
    """Return the draw of one number: torch.randn(1), torch.randn(()), random.gauss(0, 1), np.random.randn()."""
    value = noise if isinstance(noise, ast.Call) else training.values.single(noise)
    while isinstance(value, ast.Call) and called(value) in WRAPS and isinstance(value.func, ast.Attribute):
        value = value.args[0] if called(value) == "tensor" else value.func.value
    if not isinstance(value, ast.Call):
        return None
    full = training.script.full(value.func)
    if full == "torch.randn":
        return value if len(value.args) == 1 and words_of(value.args[0]) in ("1", "()", "(1,)", "[1]") else None
    if full in ("random.gauss", "random.normalvariate"):
        return value
    if full in ("numpy.random.randn", "numpy.random.standard_normal"):
        return value if not value.args and not value.keywords else None
    return None


def _is_tensor(training: Training, spread: ast.expr) -> bool:
    """Return whether a spread is computed from what a net answers: exp of a tensor, here or where it was bound."""
    value = spread if isinstance(spread, ast.Call) else training.values.single(spread)
    return value is not None and re.search(r"torch\.exp\(|\.exp\(\)|\.mul\(|softplus\(", words_of(value)) is not None


def _shaped(spread: ast.expr) -> str:
    """Return a name of the shape of a spread."""
    return next((n.id for n in ast.walk(spread) if isinstance(n, ast.Name) and n.id not in ("torch", "F")), "std")
