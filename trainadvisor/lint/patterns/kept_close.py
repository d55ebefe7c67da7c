"""The distance to a reference policy that a loss rewards: what was to hold the policy drives it away."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASKED, minimized
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

DISTANCE = re.compile(r"(^|[^a-z])kl(?![a-z])|kl_?(div|loss|pen)|kld", re.IGNORECASE)
REFERENCE = re.compile(r"ref(?!l)|(?<![a-z])base(?![a-z])|sft|frozen|init", re.IGNORECASE)
DIVERGENCES = frozenset({"kl_div", "kl_divergence"})


@pattern("term", "score", words=(("kl", "KL"), ("ref",), ASKED))
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield the exponential of the estimate of a distance, or its call, that enters the loss with a minus."""
    seen: set[ast.AST] = set()
    for part in minimized(training):
        node = part.node
        named = next((name for name in reversed(part.names) if DISTANCE.search(name)), "")
        if part.sign > 0 or node in seen or not isinstance(node, ast.Call) or not REFERENCE.search(part.words):
            continue
        if called(node) in DIVERGENCES or (named and called(node) == "exp"):
            seen.add(node)
            place = _taken_off(training, node, {*part.names, called(node)}) or node
            yield Match(place, {"term": ast.unparse(place), "score": named or called(node)}, node)


def _taken_off(training: Training, made: ast.Call, names: set[str]) -> ast.BinOp | None:
    """Return the difference that takes a distance off by its name, where it was made if there are several."""
    distances = {name for name in names if DISTANCE.search(name)}
    found = [
        n for n in training.script.of_type(ast.BinOp) if isinstance(n.op, ast.Sub) and names_in(n.right) & distances
    ]
    own = [node for node in found if training.script.scope(node) is training.script.scope(made)]
    return next(iter(own or found), None)
