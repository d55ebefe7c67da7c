"""A logarithm of a probability that is minimized: the loss makes what it is to favor ever less likely."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASKED, is_misled, minimized
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("term", "score", words=(("logsigmoid", "LogSigmoid"), ASKED))
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield logarithms of sigmoids that enter a loss with a plus sign; a saturating loss asks for one of -x."""
    for part in minimized(training):
        score = _of_sigmoid(training, part.node)
        if (
            part.sign > 0
            and score is not None
            and not isinstance(score, ast.UnaryOp)
            and not is_misled(training, score)
        ):
            yield Match(part.node, {"term": f"+ {ast.unparse(part.node)}", "score": ast.unparse(score)})


def _of_sigmoid(training: Training, node: ast.expr) -> ast.expr | None:
    """Return what the logarithm of a sigmoid is taken of."""
    if not isinstance(node, ast.Call) or len(node.args) != 1:
        return None
    made = node.func if isinstance(node.func, ast.Call) else training.made(node.func)
    known = called(node) in ("logsigmoid", "log_sigmoid") or (made is not None and called(made) == "LogSigmoid")
    return node.args[0] if known else None
