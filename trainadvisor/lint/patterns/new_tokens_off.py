"""Words that are added to a model whose adapters alone are trained: their rows of the embedding stay random."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import constant, is_open, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

EMBEDDING = re.compile(r"embed|wte|lm_head|shared", re.IGNORECASE)
TRAINED = ("modules_to_save", "trainable_token_indices")


@pattern(
    "tokens", "config", words=(("LoraConfig",), ("resize_token_embeddings",), ("add_tokens", "add_special_tokens"))
)
def frozen_parameters(training: Training) -> Iterator[Match]:
    """Yield adapters that leave the embedding off, in a script that adds words to it other than padding."""
    added = [call for name in ("add_tokens", "add_special_tokens") for call in training.methods(name)]
    words = [call for call in added if not _is_padding(call)]
    sets = [node for node in training.script.of_type(ast.Assign) if _switches_on(node)]
    for config in training.script.calls_by_name.get("LoraConfig", []):
        told = any(keyword(config, name) is not None for name in TRAINED) or is_open(config)
        targets = keyword(config, "target_modules")
        reached = targets is not None and EMBEDDING.search(ast.unparse(targets)) is not None
        if words and not told and not reached and not sets and not training.methods("requires_grad_"):
            yield Match(config, {"tokens": ast.unparse(words[0].func), "config": "LoraConfig(...)"}, words[0])


def _is_padding(call: ast.Call) -> bool:
    """Return whether a call adds a word that no text has to be written with, and that nothing is read from."""
    given = call.args[0] if call.args else None
    return isinstance(given, ast.Dict) and all(constant(key) == "pad_token" for key in given.keys)


def _switches_on(node: ast.Assign) -> bool:
    target = node.targets[0]
    return isinstance(target, ast.Attribute) and target.attr == "requires_grad" and constant(node.value) is True
