"""A loss in a loop over batches that is given the labels of a batch which was taken before the loop."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.bindings import Binding
    from trainadvisor.source.training import LossCall, Training


@pattern("first", "second", words=((" in ",), ("backward(",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield losses whose labels come from an earlier batch, while the loop's own labels are never read."""
    for item in training.losses:
        loop = next((n for n in training.script.loops(item.call) if isinstance(n, ast.For)), None)
        if loop is None or not any(n in training.backward_set for n in ast.walk(loop)):
            continue
        inputs = _used(loop, item)
        unread = [n for n in _batch(loop) if not n.startswith("_") and not reads(loop, n)]
        if inputs and unread and isinstance(item.target, ast.Name) and _is_left_over(training, loop, item.target):
            yield Match(item.call, {"first": inputs[0], "second": item.target.id}, loop)


def _batch(loop: ast.For) -> list[str]:
    """Return the names that a loop over batches takes each apart into."""
    whole = loop.target
    if isinstance(loop.iter, ast.Call) and called(loop.iter) == "enumerate" and isinstance(whole, ast.Tuple):
        whole = whole.elts[-1]
    elements = whole.elts if isinstance(whole, (ast.Tuple, ast.List)) else []
    return [n.id for n in elements if isinstance(n, ast.Name)] if len(elements) > 1 else []


def _used(loop: ast.For, item: LossCall) -> list[str]:
    """Return which parts of a loop's batches what a loss is given is computed from."""
    found, waiting = set[str](), names_in(item.input)
    assigned = [n for n in ast.walk(loop) if isinstance(n, ast.Assign) and n.lineno <= item.call.lineno]
    while waiting:
        name = waiting.pop()
        found.add(name)
        bound = [n for n in assigned if any(name in names_in(t) for t in n.targets)]
        waiting |= {inner for n in bound for inner in names_in(n.value)} - found
    return [name for name in _batch(loop) if name in found]


def _is_left_over(training: Training, loop: ast.For, target: ast.Name) -> bool:
    """Return whether a name holds a part of one batch that was taken outside of a loop."""
    bound = training.script.reaching(target)
    inside = set(ast.walk(loop))
    return bool(bound) and all(b.statement not in inside and _is_of_one_batch(b) for b in bound)


def _is_of_one_batch(binding: Binding) -> bool:
    """Return whether a binding takes a batch apart: next(iter(loader)), or an earlier loop over batches."""
    taken = isinstance(binding.value, ast.Call) and called(binding.value) == "next" and binding.path
    return bool(taken) or (binding.kind == "loop" and bool(binding.path))
