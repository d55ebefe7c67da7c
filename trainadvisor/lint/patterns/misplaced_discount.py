"""A discount that multiplies the reward and not the value behind it: no horizon, and values that grow without end."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

DISCOUNT = re.compile(r"gamma|discount(_?factor|_?rate)?", re.IGNORECASE)
DISCOUNTED = re.compile(r"gamma|discount", re.IGNORECASE)
REWARD = re.compile(r"(\w+_)?(r|rew|reward)s?", re.IGNORECASE)
NEXT = re.compile(r"next|nxt|target|boot|best|_tp?1\b|prime|(^|[^a-z])(max|amax)(?![a-z])", re.IGNORECASE)


@pattern(
    "sum", "discount", "reward", words=(("gamma", "GAMMA", "discount", "DISCOUNT"), ("reward", "rew"), ("backward(",))
)
def discount_on_reward(training: Training) -> Iterator[Match]:
    """Yield sums of a discounted reward and a value of the next state that no discount multiplies."""
    for node in training.script.of_type(ast.BinOp):
        if not isinstance(node.op, ast.Add):
            continue
        for product, value in ((node.left, node.right), (node.right, node.left)):
            if (pair := _discounted_reward(product)) and NEXT.search(words_of(value)) and not _has(training, value):
                discount, reward = (ast.unparse(side) for side in pair)
                kept = f"({ast.unparse(value)})" if isinstance(value, ast.BinOp) else ast.unparse(value)
                fix = (replaced(training.source, node, f"{reward} + {discount} * {kept}"),)
                yield Match(node, {"sum": ast.unparse(node), "discount": discount, "reward": reward}, fix=fix)


def _discounted_reward(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Return the discount and the reward of a product of the two alone."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return None
    for discount, reward in ((node.left, node.right), (node.right, node.left)):
        if DISCOUNT.fullmatch(_last(discount)) and REWARD.fullmatch(_last(reward)):
            return discount, reward
    return None


def _last(node: ast.expr) -> str:
    """Return a name, or the last one of self.gamma and batch.reward."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _has(training: Training, value: ast.expr) -> bool:
    """Return whether a value is discounted already, where it stands or where what it is made of was made."""
    names = (n for n in ast.walk(value) if isinstance(n, ast.Name))
    made = [o for name in names for o in training.values.origins(name) if o is not None]
    return any(DISCOUNTED.search(words_of(node)) for node in (value, *(o.expr for o in made)))
