"""Examples and their labels in a script: which of two is the label, whether both are used together, what seeds."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called
from trainadvisor.source.uses import MAKERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.source.training import Training

WORDS = (r"ys?|labels?|lbls?|targets?|tgts?|gts?|truths?|masks?|segs?|segmentations?|annotations?|annos?|captions?|"
         r"answers?|classes")  # fmt: skip
LABEL = re.compile(rf"(^|[_.\W\d])({WORDS})($|[_.\W\d])", re.IGNORECASE)
# Domains that belong to no label, though their names may look like one.
DOMAIN = re.compile(r"source|src|domain|style|content", re.IGNORECASE)
SEEDS = frozenset({"seed", "manual_seed", "set_state", "setstate", "set_rng_state", "seed_everything", "set_seed",
                   *MAKERS, "Generator"})  # fmt: skip


def of_a_pair(one: str, other: str) -> bool:
    """Return whether one of two expressions reads like a label and the other does not."""
    return (LABEL.search(one) is None) != (LABEL.search(other) is None) and not DOMAIN.search(f"{one} {other}")


def is_seed(node: ast.AST) -> bool:
    """Return whether a node sets where random numbers begin."""
    return isinstance(node, ast.Call) and called(node) in SEEDS


def seeded(statements: Iterable[ast.AST]) -> bool:
    """Return whether random numbers begin anew in one of some statements."""
    return any(is_seed(node) for statement in statements for node in ast.walk(statement))


def used_together(scope: ast.AST, one: str, other: str, line: int) -> bool:
    """Return whether two expressions meet behind a line: in a call or a tuple, or read at the same place."""
    places: dict[str, set[str]] = {}
    for node in ast.walk(scope):
        if getattr(node, "lineno", 0) <= line:
            continue
        if isinstance(node, (ast.Call, ast.Tuple)):
            parts = [*node.args, *(k.value for k in node.keywords)] if isinstance(node, ast.Call) else node.elts
            found = [
                {ast.unparse(n) for n in ast.walk(p) if isinstance(n, (ast.Name, ast.Attribute))} - _counted(p)
                for p in parts
            ]
            if any(one in names for names in found) and any(other in names for names in found):
                return True
        elif isinstance(node, ast.Subscript) and any(isinstance(n, ast.Name) for n in ast.walk(node.slice)):
            places.setdefault(ast.unparse(node.slice), set()).add(ast.unparse(node.value))
    return any({one, other} <= names for names in places.values())


def _counted(part: ast.AST) -> set[str]:
    """Return what only its length is asked of."""
    sizes = [n for n in ast.walk(part) if isinstance(n, ast.Call) and called(n) == "len"]
    return {ast.unparse(n.args[0]) for n in sizes if n.args}


def are_arguments(training: Training, node: ast.AST, *names: str) -> bool:
    """Return whether names are arguments of the function around a node."""
    function = training.script.function_of(node)
    given = {a.arg for a in function.args.args} if function is not None else set()
    return set(names) <= given
