"""A ranking loss whose bracket closed too early: the worse score stands outside, with nothing that bounds it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.pair_order import BETTER, COSTS, WORSE
from trainadvisor.lint.signs import ASKED, Part, minimized
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

RANKING = frozenset({"logsigmoid", "LogSigmoid"})


@pattern("term", "score", words=(("logsigmoid", "LogSigmoid"), ASKED))
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield logarithms of a sigmoid of the better score alone, beside the worse one with a minus."""
    found = list(minimized(training))
    worse = [part for part in found if part.sign < 0 and _is_worse(training, part)]
    for part in found:
        node, outside = part.node, [other for other in worse if other.names[:1] == part.names[:1]]
        if not outside or part.sign > 0 or not isinstance(node, ast.Call) or called(node) not in RANKING:
            continue
        text = ast.unparse(node)
        if BETTER.search(text) and not WORSE.search(text):
            score = next((name for name in outside[0].names if WORSE.search(name)), ast.unparse(outside[0].node))
            yield Match(node, {"term": f"-{score}", "score": score}, outside[0].node)


def _is_worse(training: Training, part: Part) -> bool:
    """Return whether a part is the score of the worse of two, as a net gives it."""
    names = [name for name in part.names if "loss" not in name.lower()]
    text = " ".join((*names, ast.unparse(part.node)))
    bounded = isinstance(part.node, ast.Call) and training.script.full(part.node.func).startswith("torch.")
    if COSTS.search(text) or bounded:
        return False
    return WORSE.search(text) is not None and BETTER.search(text) is None
