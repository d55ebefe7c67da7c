"""A transition that is stored after the state was set to the next one: both of its states are the same."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

KEEPS = re.compile(r"^(append|appendleft|push|add|store|remember|put|insert|save|record|cache)|memor|transition")
COPIES = frozenset({"copy", "clone", "detach", "deepcopy"})
# A state and its action are stored with the state that they led to: as many things at least.
FEWEST = 3


@pattern("moved", "kept", "state", "next", words=(("next", "nxt", "new_", "obs", "2", "_"), ("reward", "rew", "r,")))
def state_overwritten(training: Training) -> Iterator[Match]:
    """Yield calls that keep both a state and its successor behind the statement that sets the one to the other."""
    for call in training.script.calls:
        if not KEEPS.search(called(call)):
            continue
        kept = _kept(call)
        statement = training.script.statement(call)
        block = training.block(statement) or []
        if len(kept) < FEWEST or statement not in block:
            continue
        before = block[: block.index(statement)]
        for place, moved in enumerate(before):
            names = _moved(moved)
            if names is not None and set(names) <= set(kept) and not _bound(before[place + 1 :], names):
                values = {"moved": ast.unparse(moved), "kept": ast.unparse(call), "state": names[0], "next": names[1]}
                yield Match(call, values, moved)


def _kept(call: ast.Call) -> list[str]:
    """Return the names that a call is given, alone or in one tuple."""
    given = [*call.args, *(k.value for k in call.keywords)]
    if len(given) == 1 and isinstance(given[0], (ast.Tuple, ast.List)):
        given = given[0].elts
    elif len(given) == 1 and isinstance(given[0], ast.Call):
        given = [*given[0].args, *(k.value for k in given[0].keywords)]
    return [node.id for node in given if isinstance(node, ast.Name)]


def _moved(statement: ast.stmt) -> tuple[str, str] | None:
    """Return the two names of `state = next_state`, a copy of it included."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target, value = statement.targets[0], statement.value
    while isinstance(value, ast.Call) and called(value) in COPIES:
        method = isinstance(value.func, ast.Attribute) and not value.args
        value = value.func.value if method else value.args[0]  # type: ignore[attr-defined]
    if not isinstance(target, ast.Name) or not isinstance(value, ast.Name) or target.id == value.id:
        return None
    return target.id, value.id


def _bound(statements: list[ast.stmt], names: tuple[str, str]) -> bool:
    """Return whether one of two names gets another value in some statements."""
    stored = (n for s in statements for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return any(n.id in names for n in stored)
