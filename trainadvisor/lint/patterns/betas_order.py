"""The two averages of Adam with their decays exchanged."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import assignments, constant
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# From here on a decay is one of the squares.
LONG = 0.98
PAIR = 2


@pattern("betas", "right", words=(("betas",),))
def betas_exchanged(training: Training) -> Iterator[Match]:
    """Yield pairs of decays of which the first is the longer one."""
    for pair in _pairs(training):
        first, second = (constant(part) for part in pair.elts)
        if isinstance(first, float) and isinstance(second, float) and second < first and LONG <= first < 1:
            right = f"({words_of(pair.elts[1])}, {words_of(pair.elts[0])})"
            fix = (replaced(training.source, pair, right),)
            yield Match(pair, {"betas": words_of(pair), "right": right}, fix=fix)


def _pairs(training: Training) -> Iterator[ast.Tuple | ast.List]:
    """Yield what is called betas: an argument, a name, an attribute, an entry of a dict."""
    for node in training.script.nodes:
        named: list[tuple[str, ast.expr | None]] = []
        if isinstance(node, ast.keyword):
            named = [(node.arg or "", node.value)]
        elif isinstance(node, ast.Dict):
            named = [(str(constant(key)), value) for key, value in zip(node.keys, node.values, strict=True)]
        else:
            named = [(words_of(target), value) for target, value in assignments(node)]
        for name, value in named:
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == PAIR and name.lower().endswith("betas"):
                yield value
