"""What is written into a copy of a buffer that nothing reads: the buffer itself stays as it was."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, is_self
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

COPIES = frozenset({"clone", "copy", "deepcopy"})


@pattern("call", words=((".clone()", "copy("), ("] =",)))
def result_discarded(training: Training) -> Iterator[Match]:
    """Yield copies of an attribute that are written to, item by item, and never read."""
    for node in training.script.of_type(ast.Assign):
        target, copied = node.targets[0], node.value
        if len(node.targets) > 1 or not isinstance(target, ast.Name) or not isinstance(copied, ast.Call):
            continue
        owner = _copied(copied)
        function = training.script.function_of(node)
        if owner is None or function is None or len(training.script.bindings(function).get(target.id, [])) > 1:
            continue
        uses = [training.script.parents[name] for name in reads(function, target.id)]
        written = [n for n in uses if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
        if written and len(written) == len(uses):
            fix = (replaced(training.source, copied, ast.unparse(owner)),)
            yield Match(copied, {"call": ast.unparse(copied)}, written[0], fix)


def _copied(call: ast.Call) -> ast.expr | None:
    """Return the attribute of self that a call copies, None where it copies nothing of the kind."""
    if called(call) not in COPIES:
        return None
    method = call.func.value if isinstance(call.func, ast.Attribute) else None
    owner = call.args[0] if call.args else method
    return owner if isinstance(owner, ast.Attribute) and is_self(owner.value) else None
