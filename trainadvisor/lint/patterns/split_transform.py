"""A transform set on the data set behind one part of a split, which is the data set of the other parts too."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SPLITS = frozenset({"random_split", "dataset_split"})


@pattern("part", "other", "set", words=((".dataset.",), ("transform",), ("random_split", "Subset", "dataset_split")))
def split_shares_transform(training: Training) -> Iterator[Match]:
    """Yield assignments to the transform of a part's data set that another part, which is used, reads from too."""
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        whole = target.value if isinstance(target, ast.Attribute) and "transform" in target.attr else None
        if not isinstance(whole, ast.Attribute) or whole.attr != "dataset" or not isinstance(whole.value, ast.Name):
            continue
        part = whole.value
        if _is_own(training, part, node):
            continue
        others = [other for other in _siblings(training, part) if _is_used(training, other, node)]
        alike = {ast.unparse(n.value) for n in training.script.of_type(ast.Assign) if _sets_same(n, others, target)}
        if others and ast.unparse(node.value) not in alike:
            yield Match(node, {"part": part.id, "other": others[0], "set": ast.unparse(target)})


def _siblings(training: Training, part: ast.Name) -> list[str]:
    """Return the other parts of the split that a name is one of, or the other subsets of its data set."""
    bound = training.script.reaching(part)
    made = bound[0].value if len(bound) == 1 else None
    if not isinstance(made, ast.Call):
        return []
    if bound[0].path and called(made) in SPLITS:
        target = bound[0].statement.targets[0]  # type: ignore[attr-defined]
        names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
        return [name for name in names if name not in (part.id, "_")]
    if called(made) != "Subset" or not made.args:
        return []
    whole = ast.unparse(made.args[0])
    same = [n for n in training.script.of_type(ast.Assign) if _is_subset(n.value, whole)]
    return [n.targets[0].id for n in same if isinstance(n.targets[0], ast.Name) and n.targets[0].id != part.id]


def _is_subset(value: ast.expr, whole: str) -> bool:
    subset = isinstance(value, ast.Call) and called(value) == "Subset" and value.args
    return bool(subset) and ast.unparse(value.args[0]) == whole  # type: ignore[attr-defined]


def _is_own(training: Training, part: ast.Name, node: ast.Assign) -> bool:
    """Return whether a part was given a data set of its own before."""
    given = [n for n in training.script.of_type(ast.Assign) if n.lineno < node.lineno]
    return any(ast.unparse(n.targets[0]) == f"{part.id}.dataset" for n in given)


def _is_used(training: Training, other: str, node: ast.Assign) -> bool:
    """Return whether another part, with the data set that it has, is handed to something behind a place."""
    own = any(ast.unparse(n.targets[0]) == f"{other}.dataset" for n in training.script.of_type(ast.Assign))
    scope = training.script.scope(node)
    later = [n for n in reads(scope, other) if n.lineno > node.lineno]
    return not own and any(not isinstance(training.script.parents[n], ast.Attribute) for n in later)


def _sets_same(node: ast.Assign, others: list[str], target: ast.expr) -> bool:
    """Return whether an assignment sets the same attribute of another part."""
    attribute = target.attr if isinstance(target, ast.Attribute) else ""
    return any(ast.unparse(node.targets[0]) == f"{other}.dataset.{attribute}" for other in others)
