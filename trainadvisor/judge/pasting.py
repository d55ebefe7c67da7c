"""What can be pasted as it is: a change of the script's own lines, and a snippet without names that it may lack."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.judge.result import Applies

# Names that every script of a training has.
KNOWN = {"torch", *vars(builtins)}


def applied_as(said: Applies, snippet: str | None) -> Applies:
    """Return how a remedy is applied by its snippet, where its change of the script's own lines is not known."""
    return "adapt" if said == "paste" and not _stands_alone(snippet or "") else said


def _stands_alone(snippet: str) -> bool:
    """Return whether a snippet has names of torch and Python only."""
    try:
        nodes = list(ast.walk(ast.parse(snippet)))
    except SyntaxError:
        return False
    return bool(snippet) and {node.id for node in nodes if isinstance(node, ast.Name)} <= KNOWN
