"""Samples of a latent that are drawn and never used."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import draws, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SAMPLES = re.compile(r"repara?m|sample_?z|sample_latent|rsample", re.IGNORECASE)
SPREAD = re.compile(r"exp\(|std|sigma|logvar|log_var", re.IGNORECASE)
DECODES = re.compile(r"^(dec|decode|decoder|generator|generate|gen|g)\w*$", re.IGNORECASE)


@pattern("sample", "given", words=(("exp(", "eparam"), ("dec", "Dec", "gen")))
def sample_unread(training: Training) -> Iterator[Match]:
    """Yield samples mean + noise * spread that nothing reads, where a decoder is given the mean."""
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        scope = training.script.function_of(node)
        if not isinstance(target, ast.Name) or scope is None or reads(scope, target.id):
            continue
        mean = _mean(training, node.value)
        calls = [c for c in ast.walk(scope) if isinstance(c, ast.Call)] if mean else []
        given = next((c for c in calls if _decodes(c, mean)), None)
        if given is not None:
            yield Match(node, {"sample": words_of(node), "given": words_of(given)}, given)


def _mean(training: Training, value: ast.expr) -> str:
    """Return the name of the mean that a sample is drawn around."""
    if isinstance(value, ast.Call) and SAMPLES.search(called(value)) and value.args:
        return words_of(value.args[0])
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add) or not SPREAD.search(words_of(value)):
        return ""
    for mean, spread in ((value.left, value.right), (value.right, value.left)):
        drawn = any(True for _ in draws(training, spread)) or re.search(r"\beps|noise", words_of(spread))
        if isinstance(mean, ast.Name) and drawn:
            return mean.id
    return ""


def _decodes(call: ast.Call, mean: str) -> bool:
    return DECODES.match(called(call)) is not None and bool(call.args) and words_of(call.args[0]) == mean
