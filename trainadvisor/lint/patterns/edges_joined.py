"""Graphs that are put into one batch while their edges keep the numbers of each graph's own nodes."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

EDGES = re.compile(r"edge_?(index|list|s)?(?![a-z])|edges", re.IGNORECASE)
NUMBERED = re.compile(r"attr|weight|feat|type|label|mask", re.IGNORECASE)
JOINS = frozenset({"cat", "concat", "concatenate", "hstack"})


@pattern("joined", words=(("edge",), ("cat(", "concat", "hstack(")))
def edges_not_renumbered(training: Training) -> Iterator[Match]:
    """Yield joints of the edges of several graphs beside one of their nodes, where no number is moved on."""
    for call in training.script.calls:
        if called(call) not in JOINS or not call.args or constant(keyword(call, "dim", 1)) not in (1, -1, None):
            continue
        function = training.script.function_of(call)
        if function is None or not _of_edges(call) or not _joins_nodes(function, call):
            continue
        if _moves(function):
            continue
        yield Match(call, {"joined": words_of(call)})


def _of_edges(call: ast.Call) -> bool:
    """Return whether lists of edges are joined along the edges: dim=1, or hstack."""
    given = words_of(call.args[0])
    along = called(call) == "hstack" or constant(keyword(call, "dim", 1)) in (1, -1)
    return along and EDGES.search(given) is not None and not NUMBERED.search(given)


def _joins_nodes(function: ast.AST, edges: ast.Call) -> bool:
    """Return whether a loop or list over graphs fills what is joined, and nodes are joined one below the other."""
    text = words_of(edges.args[0])
    gathered = isinstance(edges.args[0], (ast.ListComp, ast.GeneratorExp)) or any(
        isinstance(n, ast.Call) and called(n) == "append" and words_of(n.func) == f"{text}.append"
        for n in ast.walk(function)
    )
    nodes = [
        n for n in ast.walk(function)
        if isinstance(n, ast.Call) and called(n) in (*JOINS, "vstack") and n is not edges and n.args
        and constant(keyword(n, "dim", 1)) in (None, 0) and not re.search(r"edge|label|\by", words_of(n.args[0]))
    ]  # fmt: skip
    return gathered and bool(nodes)


def _moves(function: ast.AST) -> bool:
    """Return whether the function adds anything to edges, or to what it loops over with them."""
    for node in ast.walk(function):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and EDGES.search(words_of(node)):
            return True
        if isinstance(node, ast.AugAssign) and EDGES.search(words_of(node.target)):
            return True
        if isinstance(node, ast.Call) and called(node) in ("add", "add_") and EDGES.search(words_of(node)):
            return True
    return False
