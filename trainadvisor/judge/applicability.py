"""Whether a rule is about anything that a training has: what it could not find there is no check that was passed."""

import ast
from collections.abc import Collection
from functools import cache

from trainadvisor.judge.conditions import Expression
from trainadvisor.judge.rulebook import Rule
from trainadvisor.signals import all_signals

Words = frozenset[str]


def lacking(rule: Rule, contexts: Collection[str]) -> str | None:
    """Return the word of what a training has none of, although each branch of the rule needs such a thing."""
    found = [_lacked(variant, contexts) for variant in rule.variants]
    return found[0] if all(found) else None


def _lacked(variant: Rule, contexts: Collection[str]) -> str | None:
    words = (word for line in variant.conditions for word in sorted(_about(line)))
    return next((word for word in words if word in contexts), None)


@cache
def _about(line: Expression) -> Words:
    return _needed(line.tree)


def _needed(node: ast.AST) -> Words:
    """Return the absences in each of which a condition cannot hold: of alternatives, those that all share."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return Words.intersection(*map(_needed, node.values))
    if isinstance(node, ast.Name):
        known = all_signals().get(node.id)
        return Words({known.about} if known and known.about else ())
    return Words().union(*map(_needed, ast.iter_child_nodes(node)))
