"""A policy loss without its minus: log-probabilities of what was rewarded are minimized."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASCENT, minimized
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

LOG_PROBABILITY = re.compile(r"log_?p(rob\w*|i\w*|s|_\w+)?\b|\bratios?\b", re.IGNORECASE)
WORTH = re.compile(r"return|advantage|(?<![a-z])adv(?![a-z])|reward|\bG\b|\bR\b|gae", re.IGNORECASE)
# What is worth less the larger it is, though a script may call it a reward; and other ways to go uphill.
COST = re.compile(r"adversar|tour|route|makespan|cost|latency|minimi|regret|neg_|nll|inverse", re.IGNORECASE)
BAD = re.compile(r"length|distance|penal|loss|err|time|entropy|nll", re.IGNORECASE)
LOSS = re.compile(r"loss|neg|nll", re.IGNORECASE)
UPHILL = re.compile(ASCENT.pattern + r"|neg\(|(\* *|mul_?\()-1")


@pattern(
    "product",
    words=(
        ("log_prob", "logp", "log_pi", "ratio"),
        ("reward", "advantage", "adv", "returns", "gae", "gym", "episode"),
        ("backward(",),
        (".step(",),
    ),
)
def policy_loss_sign(training: Training) -> Iterator[Match]:
    """Yield products of log-probabilities and returns that reach backward() while nothing on the way turns the sign."""
    if UPHILL.search(words_of(training.script.tree)) or any(COST.search(name) for name in _names(training)):
        return
    minus = (n.operand for n in training.script.of_type(ast.UnaryOp) if isinstance(n.op, ast.USub))
    if any(LOG_PROBABILITY.search(words_of(operand)) for operand in minus):
        return
    found = list(minimized(training))
    turned = {part.node for part in found if part.sign < 0}
    for product in dict.fromkeys(part.node for part in found):
        is_product = isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult)
        if is_product and product not in turned and _is_of_policy(training, product):  # type: ignore[arg-type]
            yield Match(product, {"product": words_of(product)})


def _names(training: Training) -> set[str]:
    """Return the names that a script gives and uses, without its texts."""
    names = {n.id for n in training.script.of_type(ast.Name)} | {n.attr for n in training.script.of_type(ast.Attribute)}
    return names | {f.name for f in training.script.functions} | set(training.script.classes)


def _is_of_policy(training: Training, product: ast.BinOp) -> bool:
    """Return whether a log-probability or ratio is multiplied with what an action was worth, neither turned."""
    sides = (product.left, product.right)
    for one, other in (sides, sides[::-1]):
        chosen = _is_chosen(training, one) and not WORTH.search(words_of(one))
        if chosen and WORTH.search(words_of(other)) and not any(_is_turned(training, side) for side in sides):
            return True
    return False


def _is_chosen(training: Training, factor: ast.expr) -> bool:
    """Return whether a factor is a log-probability or a ratio, by its name or by the call that made it; no loss."""
    made = training.values.single(factor) if isinstance(factor, ast.Name) else None
    by_call = isinstance(made, ast.Call) and LOG_PROBABILITY.search(called(made)) is not None
    return (LOG_PROBABILITY.search(words_of(factor)) is not None or by_call) and not LOSS.search(words_of(factor))


def _is_turned(training: Training, factor: ast.expr) -> bool:
    """Return whether a minus may stand in what a factor is made of, or where that is not seen."""
    for name in (n for n in ast.walk(factor) if isinstance(n, ast.Name)):
        for bound in training.script.reaching(name):
            made = bound.value
            if made is not None and (BAD.search(words_of(made)) or any(_subtracts_worth(n) for n in ast.walk(made))):
                return True
    return any(_subtracts_worth(n) for n in ast.walk(factor))


def _subtracts_worth(node: ast.AST) -> bool:
    """Return whether a node takes a return off something else, as a baseline less a return, or turns a sign."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return False
    return WORTH.search(words_of(node.right)) is not None and WORTH.search(words_of(node.left)) is None
