"""Data sets that give the same part of their data whatever they are asked for."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import is_self
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

DATA = re.compile(r"(Dataset|Sequence)$")
# What draws, counts on or gives another part each time without an index.
MOVES = re.compile(r"rand|sample|choice|next|pop|perm|shuffle|draw", re.IGNORECASE)
SELF_AND_INDEX = 2


@pattern("name", "read", words=(("__getitem__",), ("Dataset", "Sequence")))
def data_repeats(training: Training) -> Iterator[Match]:
    """Yield slices that begin at the first example in an access that does not look at its index."""
    for owner in training.script.classes.values():
        method = training.script.method(owner, "__getitem__")
        if method is None or not any(DATA.search(ast.unparse(base)) for base in owner.bases):
            continue
        given = [a.arg for a in method.args.args]
        if len(given) != SELF_AND_INDEX or given[1] in names_in(ast.Module(method.body, [])) or _moves(method):
            continue
        parts = [n for n in ast.walk(method) if isinstance(n, ast.Subscript) and _is_first_part(n)]
        if parts:
            yield Match(parts[0], {"name": given[1], "read": ast.unparse(parts[0])}, method.args.args[1])


def _is_first_part(node: ast.Subscript) -> bool:
    """Return whether a slice takes the first examples of what the object holds."""
    cut = node.slice
    own = isinstance(node.value, ast.Attribute) and is_self(node.value.value)
    return own and isinstance(cut, ast.Slice) and cut.lower is None and cut.upper is not None and cut.step is None


def _moves(method: ast.AST) -> bool:
    """Return whether an access draws its examples, or keeps in the object where it is."""
    kept = any(isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load) for n in ast.walk(method))
    calls = [ast.unparse(n.func) for n in ast.walk(method) if isinstance(n, ast.Call)]
    return kept or any(MOVES.search(name) for name in calls)
