"""Tags of words that are given to tokens as they are: a word may be several tokens, and special ones stand around."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What tells to which word a token belongs.
ALIGNS = ("word_ids", "offset", "word_to_", "token_to_word", "subword", "special_tokens_mask", "valid_ids")


@pattern("first", "second", words=(("is_split_into_words",), ("TokenClassification",), ("labels",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield labels beside words that are cut into tokens, in a function that asks no token for its word."""
    for call in training.script.calls:
        function = training.script.function_of(call)
        if (
            constant(keyword(call, "is_split_into_words")) is not True
            or function is None
            or _aligns(training, function)
        ):
            continue
        for value in _labels(function):
            made = _filled(function, value) or value
            yield Match(made, {"first": ast.unparse(call), "second": ast.unparse(made)}, call)


def _aligns(training: Training, function: ast.AST) -> bool:
    """Return whether a function, or one that it calls, names what tells to which word a token belongs."""
    named = (n.attr if isinstance(n, ast.Attribute) else n.arg for n in training.reached(function)
             if isinstance(n, (ast.Attribute, ast.keyword)))  # fmt: skip
    return any(word in name for name in named if name for word in ALIGNS)


def _labels(function: ast.AST) -> Iterator[ast.expr]:
    """Yield what a function binds to the key "labels": by an assignment or in a dictionary."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            if constant(node.targets[0].slice) == "labels":
                yield node.value
        elif isinstance(node, ast.Dict):
            yield from (v for k, v in zip(node.keys, node.values, strict=True) if constant(k) == "labels")


def _filled(function: ast.AST, value: ast.expr) -> ast.expr | None:
    """Return what is appended to the list that a value names."""
    calls = [n for n in ast.walk(function) if isinstance(n, ast.Call) and called(n) == "append" and n.args]
    name = f"{value.id}.append" if isinstance(value, ast.Name) else ""
    return next((call.args[0] for call in calls if ast.unparse(call.func) == name), None)
