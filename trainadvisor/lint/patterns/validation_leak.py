"""Validation on what was trained on."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import is_open, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.bindings import Binding
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

HELD_OUT = re.compile(r"(^|_|\.)(val|valid|validation|test|dev|x_?test|x_?val)(_|$|load|data|set|dl)", re.IGNORECASE)
GRAPH = 2
TRAINED = re.compile(r"train", re.IGNORECASE)


@pattern("loader", "data", words=(("DataLoader(",),))
def validation_leak(training: Training) -> Iterator[Match]:
    """Yield loaders named for validation that are given the very data set of the training loader."""
    loaders = [_loader(training, call) for call in training.script.calls_by_name.get("DataLoader", [])]
    known = [entry for entry in loaders if entry is not None]
    names = [name for name, _, _ in known]
    for name, data, call in known:
        if not HELD_OUT.search(name) or TRAINED.search(name) or names.count(name) > 1:
            continue
        named = [other for other in known if other[1] == data and TRAINED.search(other[0])]
        twins = [other for other in named if _bound(training, other[2]) == _bound(training, call)]
        if twins and not any(keyword(c, k) for c in (call, twins[0][2]) for k in ("sampler", "batch_sampler")):
            yield Match(call, {"loader": name, "data": data}, twins[0][2], _own_data(training, call, name))


def _own_data(training: Training, call: ast.Call, loader: str) -> Fix | None:
    """Return the change that gives a loader the only unused data whose name begins as its own does."""
    given = keyword(call, "dataset", 0)
    word = re.split(r"[_.]|loader", loader, maxsplit=1, flags=re.IGNORECASE)[0].lower()
    read = {node.id for node in training.script.of_type(ast.Name) if isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in training.script.of_type(ast.Name) if isinstance(node.ctx, ast.Store)}
    found = [name for name in bound - read if word and name.lower().startswith(word)]
    return (replaced(training.source, given, found[0]),) if given is not None and len(found) == 1 else None


def _bound(training: Training, call: ast.Call) -> list[Binding]:
    """Return what the name of the data of a loader is bound to where it stands."""
    data = keyword(call, "dataset", 0)
    return training.script.reaching(data) if isinstance(data, ast.Name) else []


def _loader(training: Training, call: ast.Call) -> tuple[str, str, ast.Call] | None:
    """Return the name of a loader, the name of its data, and the call that makes it."""
    statement, data = training.script.parents.get(call), keyword(call, "dataset", 0)
    if not isinstance(statement, ast.Assign) or not isinstance(data, ast.Name) or is_open(call):
        return None
    # A loader of a graph is given which of its nodes it takes, and a sampler.
    if len(call.args) > GRAPH:
        return None
    return ast.unparse(statement.targets[0]), data.id, call
