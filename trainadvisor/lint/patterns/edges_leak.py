"""Links that are held out for the test and still lie in the graph that the model reads."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import assignments, called
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

HELD_OUT = re.compile(r"(^|_)(test|val|valid|dev|held)(_|$|\d)", re.IGNORECASE)
TRAINED = re.compile(r"(^|_)(train|tr|trn)(_|$|\d)|train", re.IGNORECASE)
LINKS = re.compile(r"edge|link|pairs?($|_)|(^|_)(ei|pos)($|_)", re.IGNORECASE)
# What makes the graph that messages go along, or reads it.
GRAPH = re.compile(r"adj|graph|laplac|gcn|sparse|encode|^(model|net|encoder|gnn|Data)$|propag|dense", re.IGNORECASE)
OTHER = re.compile(r"neg|sampl|degree|undirect|coalesce|plot|draw|save", re.IGNORECASE)


@pattern("edges", "held", "kept", "call", words=(("test", "val", "held", "dev"), ("train", "tr_"), ("[:",), (":]",),
         ("edge", "link", "pos", "pair", "ei")))  # fmt: skip
def test_edges_in_graph(training: Training) -> Iterator[Match]:
    """Yield graphs that are made of all links behind a split of the links in those to train on and others."""
    for node in training.script.of_type(ast.Assign):
        for name, held, kept in _split(node):
            scope = training.script.scope(node)
            given = [c for r in reads(scope, name) if r.lineno > node.lineno and (c := _graph(training, r)) is not None]
            own = any(_graph(training, r) is not None for r in reads(training.script.tree, kept))
            if given and not own and reads(training.script.tree, held):
                values = {"edges": name, "held": held, "kept": kept, "call": ast.unparse(given[0])}
                argument = next(a for a in given[0].args if isinstance(a, ast.Name) and a.id == name)
                yield Match(given[0], values, node, (replaced(training.source, argument, kept),))


def _split(node: ast.Assign) -> Iterator[tuple[str, str, str]]:
    """Yield the name of what a statement splits in two at one place, with the names of the part held out and kept."""
    parts: dict[str, tuple[str, str, bool]] = {}
    for target, value in assignments(node):
        index = value.slice if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name) else None
        last = index.elts[-1] if isinstance(index, ast.Tuple) and index.elts else index
        if not isinstance(last, ast.Slice) or not isinstance(target, ast.Name) or last.step is not None:
            return
        bound, first = (last.upper, True) if last.lower is None else (last.lower, False)
        if bound is None or (last.lower is not None and last.upper is not None):
            return
        parts[target.id] = (value.value.id, ast.unparse(bound), first)  # type: ignore[union-attr]
    held = [n for n in parts if HELD_OUT.search(n) and not TRAINED.search(n)]
    kept = [n for n in parts if TRAINED.search(n) and not HELD_OUT.search(n)]
    if len(held) == len(kept) == 1 and len(parts) == 2:  # noqa: PLR2004 - two parts
        (whole, place, before), (other, same, after) = parts[held[0]], parts[kept[0]]
        if whole == other and place == same and before != after and LINKS.search(whole):
            yield whole, held[0], kept[0]


def _graph(training: Training, name: ast.Name) -> ast.Call | None:
    """Return the call that makes or reads a graph and is given a name as it is."""
    call = training.script.parents.get(name)
    if not isinstance(call, ast.Call) or name not in call.args:
        return None
    return call if GRAPH.search(called(call)) and not OTHER.search(called(call)) else None
