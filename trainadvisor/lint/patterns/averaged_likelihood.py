"""The log-probabilities of an episode averaged before they meet the returns: no action gets its own."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASKED
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

LIKELIHOOD = re.compile(r"log_?p(?![a-z])|log_?pi|log_?prob|logp(rob)?s?\b", re.IGNORECASE)
OF_STEPS = re.compile(r"return|delta|adv|reward|discount|(^|_)gs?($|_)|gain", re.IGNORECASE)
VECTORS = frozenset({"tensor", "FloatTensor", "Tensor", "as_tensor", "stack", "from_numpy", "cat"})
REDUCED = frozenset({"sum", "mean"})


@pattern("mean", "returns", words=(("mean(",), ("log_p", "logp", "log_pi"), ASKED))
def log_probabilities_averaged(training: Training) -> Iterator[Match]:
    """Yield products of the mean of log-probabilities and the returns of the steps, reduced afterwards."""
    for product in training.script.of_type(ast.BinOp):
        if not isinstance(product.op, ast.Mult) or not _is_reduced(training, product):
            continue
        for mean, returns in ((product.left, product.right), (product.right, product.left)):
            averaged = _averaged(training, mean)
            if averaged is not None and _is_of_steps(training, returns):
                fix = (replaced(training.source, _bare(mean), ast.unparse(averaged)),)
                values = {"mean": ast.unparse(mean), "returns": ast.unparse(returns)}
                yield Match(product, values, training.values.single(_bare(mean)), fix)
                break


def _bare(node: ast.expr) -> ast.expr:
    return node.operand if isinstance(node, ast.UnaryOp) else node


def _averaged(training: Training, node: ast.expr) -> ast.expr | None:
    """Return the log-probabilities that an expression is the mean of, over all of their axes."""
    node = _bare(node)
    held = training.values.single(node) if isinstance(node, (ast.Name, ast.Attribute)) else node
    if not isinstance(held, ast.Call) or called(held) != "mean" or held.keywords or len(held.args) > 1:
        return None
    of_torch = training.script.full(held.func) == "torch.mean"
    inner = held.args[0] if of_torch and held.args else getattr(held.func, "value", None) if not held.args else None
    if not isinstance(inner, ast.expr):
        return None
    made = training.values.single(inner) if isinstance(inner, ast.Name) else None
    text = f"{ast.unparse(inner)} {ast.unparse(made) if made is not None else ''}"
    return inner if LIKELIHOOD.search(text) else None


def _is_of_steps(training: Training, node: ast.expr) -> bool:
    """Return whether an expression is a vector of returns: made of a list, or normalized."""
    if not isinstance(node, (ast.Name, ast.Attribute)) or not OF_STEPS.search(ast.unparse(node).rpartition(".")[2]):
        return False
    found = [o.expr for o in training.values.origins(node) if o is not None]
    return any((isinstance(n, ast.Call) and called(n) in VECTORS) or isinstance(n, ast.BinOp) for n in found)


def _is_reduced(training: Training, product: ast.BinOp) -> bool:
    """Return whether a product, with a minus at most, is summed or averaged where it stands."""
    inner: ast.AST = product
    for above in training.script.ancestors(product):
        if isinstance(above, ast.Call):
            return called(above) in REDUCED and inner in above.args
        if isinstance(above, ast.Attribute):
            return above.attr in REDUCED
        if not isinstance(above, ast.UnaryOp):
            return False
        inner = above
    return False
