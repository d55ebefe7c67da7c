"""A weighted term that is computed beside the loss and only shown: nothing adds it to what is minimized."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

WEIGHT = re.compile(r"(\w+_)?(weight|coeff?|lambda|lamb|lam|beta)|(coeff?|lambda|beta|w)_\w+", re.IGNORECASE)
TERM = re.compile(r"aux|balanc|penalt|reg(?![a-z])|regulari|kld?(?![a-z])|entrop|commit|loss|divers", re.IGNORECASE)
# What is done with a value that is only to be read by people.
SHOWN = frozenset({"print", "log", "info", "debug", "append", "add_scalar", "format", "write", "float", "round",
                   "set_postfix", "item", "detach", "update"})  # fmt: skip


@pattern("term", "name", words=(("coef", "weight", "lambda", "lamb", "beta", "_w", "w_"), ("backward(",)))
def loss_term_left_out(training: Training) -> Iterator[Match]:
    """Yield products of a weight and a term beside a backward(), whose name is at most shown."""
    script = training.script
    for node in script.of_type(ast.Assign):
        target, product = node.targets[0], node.value
        if not isinstance(target, ast.Name) or len(node.targets) > 1 or not _is_weighted(product, target.id):
            continue
        scope = script.scope(node)
        beside = any(script.scope(call) is scope for call in training.backwards)
        bound = script.bindings(scope).get(target.id, [])
        used = reads(scope, target.id)
        if beside and len(bound) == 1 and all(_is_shown(training, name) for name in used):
            yield Match(node, {"term": ast.unparse(product), "name": target.id})


def _is_weighted(product: ast.expr, name: str) -> bool:
    """Return whether a product has a factor called like a weight, and a term, or a name, that speaks of a loss."""
    if not isinstance(product, ast.BinOp) or not isinstance(product.op, ast.Mult):
        return False
    for weight, term in ((product.left, product.right), (product.right, product.left)):
        last = weight.id if isinstance(weight, ast.Name) else weight.attr if isinstance(weight, ast.Attribute) else ""
        if WEIGHT.fullmatch(last) and TERM.search(f"{name} {ast.unparse(term)}"):
            return True
    return False


def _is_shown(training: Training, name: ast.Name) -> bool:
    """Return whether a name stands in a text, or is given to a call that only tells it."""
    for above in training.script.ancestors(name):
        if isinstance(above, ast.FormattedValue):
            return True
        if isinstance(above, ast.Call) and called(above) in SHOWN:
            return True
        if not isinstance(above, (ast.Attribute, ast.Call, ast.Dict, ast.BinOp, ast.Tuple)):
            return False
    return False
