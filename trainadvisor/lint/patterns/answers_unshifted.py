"""Log-probabilities of tokens that are read at their own places, where a causal model has already seen them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SHAPING = frozenset({"unsqueeze", "long", "to", "clone", "contiguous"})
SCORING = frozenset({"log_softmax", "softmax", "float", "log", "to"})
DEEPEST = 8
LAST = (-1, 2)


@pattern("gathered", "ids", words=(("gather(",), ("softmax",), ("causal", "triu(", "tril(", "CausalLM", "gpt", "GPT")))
def label_shift(training: Training) -> Iterator[Match]:
    """Yield gathers of the scores that a model gives for ids by the same ids, neither cut by one place."""
    for call in training.script.calls:
        if called(call) != "gather" or not isinstance(call.func, ast.Attribute):
            continue
        method = not training.script.full(call.func).startswith("torch.")
        held = call.func.value if method else next(iter(call.args), None)
        index = keyword(call, "index", 1 if method else 2)
        if held is None or index is None or constant(keyword(call, "dim", 0 if method else 1)) not in LAST:
            continue
        given, picked = _given(training, held), _name(training, index)
        if given is not None and given == picked:
            yield Match(call, {"gathered": ast.unparse(call), "ids": given})


def _given(training: Training, node: ast.expr, depth: int = 0) -> str | None:
    """Return the name that a model is called with, whose answer goes uncut into a softmax."""
    made = training.values.single(node) if isinstance(node, ast.Name) else node
    if depth > DEEPEST or not isinstance(made, ast.Call):
        return _given(training, made.value, depth + 1) if isinstance(made, ast.Attribute) and depth < DEEPEST else None
    if called(made) in SCORING and isinstance(made.func, ast.Attribute):
        method = not training.script.full(made.func).startswith("torch.")
        inner = made.func.value if method else next(iter(made.args), None)
        return None if inner is None else _given(training, inner, depth + 1)
    first = next(iter(made.args), None) or keyword(made, "input_ids")
    return (
        first.id if isinstance(first, ast.Name) and not training.script.full(made.func).startswith("torch.") else None
    )


def _name(training: Training, node: ast.expr) -> str | None:
    """Return the name of an index without what only shapes it; None where it is cut."""
    while True:
        if isinstance(node, ast.Call) and called(node) in SHAPING and isinstance(node.func, ast.Attribute):
            node = node.func.value
        elif isinstance(node, ast.Subscript) and _adds_axis(node.slice):
            node = node.value
        elif isinstance(node, ast.Name):
            made = training.values.single(node)
            return node.id if not isinstance(made, (ast.Subscript, ast.Call)) else _name(training, made) or None
        else:
            return None


def _adds_axis(index: ast.expr) -> bool:
    """Return whether an index takes everything and adds an axis: [..., None], [:, :, None]."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    whole = [isinstance(p, ast.Slice) and p.lower is None and p.upper is None for p in parts]
    plain = [isinstance(p, ast.Constant) and (p.value is None or p.value is ...) for p in parts]
    return all(w or p for w, p in zip(whole, plain, strict=True))
