"""Files of two folders paired by their place in listings, whose order is that of the file system."""

from __future__ import annotations

import ast
from itertools import combinations
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import of_a_pair
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

LISTINGS = frozenset({"listdir", "glob", "iglob", "iterdir", "rglob", "scandir"})


@pattern("first", "second", words=(("listdir(", "glob(", "iterdir("),))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield two unsorted listings of which one is of labels, read at the same place or side by side."""
    listed = [entry for node in training.script.of_type(ast.Assign) for entry in _listing(training, node)]
    for (one, first), (other, second) in combinations(listed, 2):
        if one == other or training.script.class_of(first) is not training.script.class_of(second):
            continue
        named = (f"{one} {_folder(first)}", f"{other} {_folder(second)}")
        apart = ast.unparse(first) != ast.unparse(second)
        if apart and of_a_pair(*named) and _is_paired(training, one, other):
            values = {"first": ast.unparse(first), "second": ast.unparse(second)}
            texts = [(call, f"sorted({training.source.segment(call)})") for call in (first, second)]
            yield Match(second, values, first, tuple(replaced(training.source, c, text) for c, text in texts))


def _listing(training: Training, node: ast.Assign) -> Iterator[tuple[str, ast.Call]]:
    """Yield the name that is bound to an unsorted listing, and the call that lists."""
    name, value = ast.unparse(node.targets[0]), node.value
    calls = [n for n in ast.walk(value) if isinstance(n, ast.Call)]
    lists = [call for call in calls if called(call) in LISTINGS]
    if len(lists) != 1 or any(called(call) in ("sorted", "natsorted", "shuffle", "sample", "set") for call in calls):
        return
    sorted_later = any(
        (called(c) == "sort" and isinstance(c.func, ast.Attribute) and ast.unparse(c.func.value) == name)
        or (called(c) in ("sorted", "natsorted", "set", "shuffle", "sample") and name in map(ast.unparse, c.args))
        for c in training.script.calls
    )
    whole = value is lists[0] or called(value) == "list" if isinstance(value, ast.Call) else True
    if whole and not sorted_later and isinstance(value, (ast.Call, ast.ListComp)):
        yield name, lists[0]


def _folder(call: ast.Call) -> str:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    return " ".join([ast.unparse(owner), *map(ast.unparse, call.args)])


def _is_paired(training: Training, one: str, other: str) -> bool:
    """Return whether two lists are zipped, or read at the same index of one function."""
    for call in training.script.calls_by_name.get("zip", []):
        if [ast.unparse(a) for a in call.args[:2]] in ([one, other], [other, one]):
            return True
    read: dict[tuple[ast.AST, str], set[str]] = {}
    for node in training.script.of_type(ast.Subscript):
        if isinstance(node.slice, ast.Name):
            read.setdefault((training.script.scope(node), node.slice.id), set()).add(ast.unparse(node.value))
    return any({one, other} <= names for names in read.values())
