"""A buffer that a chain of methods is to change, none of which works in place."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.result_discarded import ARITHMETIC
from trainadvisor.source.edits import Span
from trainadvisor.source.reading import span_of
from trainadvisor.source.syntax import called, constant, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("call", words=(("register_buffer", "Parameter("), tuple(f".{name}(" for name in sorted(ARITHMETIC))))
def result_discarded(training: Training) -> Iterator[Match]:
    """Yield statements that compute a new tensor from a buffer or parameter of self and drop it."""
    for node in training.script.of_type(ast.Expr):
        chain = list(_chain(node.value))
        if not chain or any(called(call) not in ARITHMETIC for call in chain):
            continue
        owner = chain[-1].func.value  # type: ignore[attr-defined]
        if isinstance(owner, ast.Attribute) and is_self(owner.value) and owner.attr in _held(training, node):
            ends = [span_of(training.source, call.func)[1] for call in chain]
            yield Match(node.value, {"call": ast.unparse(node.value)}, fix=tuple(Span(e, e, "_") for e in ends))


def _chain(value: ast.expr) -> Iterator[ast.Call]:
    """Yield the calls of methods that follow each other, the last first."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        yield value
        value = value.func.value


def _held(training: Training, node: ast.AST) -> set[str]:
    """Return the names of the buffers and parameters of the class around a node."""
    owner = training.script.class_of(node)
    found = set[str]()
    for inner in ast.walk(owner) if owner is not None else ():
        if isinstance(inner, ast.Call) and called(inner) == "register_buffer" and inner.args:
            found.add(str(constant(inner.args[0])))
        elif isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Call) and called(inner.value) == "Parameter":
            found |= {t.attr for t in inner.targets if isinstance(t, ast.Attribute)}
    return found
