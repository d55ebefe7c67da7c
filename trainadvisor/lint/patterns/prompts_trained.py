"""Prompts that TRL is told to train on together with the completions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("setting", words=(("completion_only_loss",), ("prompt",), ("completion",)))
def prompt_not_masked(training: Training) -> Iterator[Match]:
    """Yield the setting, where a script makes rows of a prompt and a completion by itself."""
    if not any(_are_pairs(node) for node in training.script.of_type(ast.Dict)):
        return
    for call in training.script.calls:
        for word in call.keywords:
            if word.arg == "completion_only_loss" and constant(word.value) is False:
                fix = (replaced(training.source, word.value, "True"),)
                yield Match(word.value, {"setting": ast.unparse(word)}, None, fix)


def _are_pairs(node: ast.Dict) -> bool:
    return {"prompt", "completion"} <= {constant(key) for key in node.keys if key is not None}
