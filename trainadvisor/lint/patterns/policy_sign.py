"""A policy loss without its minus: log-probabilities of what was rewarded are minimized."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASCENT
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import reads

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
MOST_NAMES = 8


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
    turned = (n.operand for n in training.script.of_type(ast.UnaryOp) if isinstance(n.op, ast.USub))
    if any(LOG_PROBABILITY.search(words_of(operand)) for operand in turned):
        return
    for product in training.script.of_type(ast.BinOp):
        if isinstance(product.op, ast.Mult) and _is_of_policy(training, product) and _Way(training).ends_below(product):
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


class _Way:
    """Follows a value to backward(), through names, lists and functions that hand it on."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self._seen: set[tuple[ast.AST, str]] = set()
        self._turned = self._arrived = False

    def ends_below(self, node: ast.expr) -> bool:
        """Return whether a value reaches backward() and keeps its sign on every way."""
        self._follow(node)
        return self._arrived and not self._turned

    def _follow(self, node: ast.AST) -> None:
        script, at = self._training.script, node
        for above in script.ancestors(node):
            if _turns(above, at):
                self._turned = True
                return
            if above in self._training.backward_set or (isinstance(above, ast.Call) and called(above) == "backward"):
                self._arrived = True
                return
            if isinstance(above, ast.Call) and called(above) in ("append", "extend") and at in above.args:
                self._hold(above, above.func.value)  # type: ignore[attr-defined]
                return
            if isinstance(above, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
                for target in above.targets if isinstance(above, ast.Assign) else [above.target]:
                    self._hold(above, target)
                return
            if isinstance(above, ast.Return):
                function = script.function_of(above)
                for call in script.callers(function) if function is not None else []:
                    self._follow(call)
                return
            at = above

    def _hold(self, node: ast.AST, target: ast.expr) -> None:
        """Follow what a name holds, read anywhere in its function."""
        scope, name = self._training.script.scope(node), words_of(target)
        if isinstance(target, ast.Attribute):
            scope = self._training.script.tree
        if (scope, name) in self._seen or len(self._seen) > MOST_NAMES:
            return
        self._seen.add((scope, name))
        held = reads(scope, name) if isinstance(target, ast.Name) else _alike(scope, name)
        for use in held:
            self._follow(use)


def _alike(scope: ast.AST, text: str) -> list[ast.Attribute]:
    """Return where an attribute is read."""
    attributes = [n for n in ast.walk(scope) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)]
    return [n for n in attributes if words_of(n) == text]


def _turns(above: ast.AST, at: ast.AST) -> bool:
    """Return whether an operation gives what stands below it another sign, or may."""
    if isinstance(above, ast.UnaryOp):
        return isinstance(above.op, ast.USub)
    if isinstance(above, ast.BinOp):
        return isinstance(above.op, ast.Sub) and above.right is at
    return isinstance(above, ast.AugAssign) and isinstance(above.op, ast.Sub)
