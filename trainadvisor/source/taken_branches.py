"""Which parts of a script its command line leaves out: `if args.mode == "train":`, and what only they call."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.source.told_values import ToldValues

if TYPE_CHECKING:
    from trainadvisor.source.script import Script

_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class TakenBranches:
    """Follows a script's conditions as far as its command line decides them."""

    def __init__(self, script: Script, arguments: list[str]) -> None:
        """Take a script and what `sys.argv` holds while it runs."""
        self._script, self._values = script, ToldValues(script, arguments)
        self._known: dict[ast.AST, bool] = {}

    def leave_out(self, node: ast.AST) -> bool:
        """Return whether a node is never reached."""
        inner = node
        for around in self._script.ancestors(node):
            if self._passed_by(inner, around) or (isinstance(around, _DEFINED) and self._unused(around)):
                return True
            inner = around
        return False

    def _passed_by(self, inner: ast.AST, around: ast.AST) -> bool:
        """Return whether a part of a node is not reached where the node itself is."""
        if isinstance(around, (ast.If, ast.IfExp)) and inner is not around.test:
            taken = self._values.truth(around.test)
            inside = inner in around.body if isinstance(around, ast.If) else inner is around.body
            if taken is not None and taken is not inside:
                return True
        blocks = (getattr(around, name, None) for name in ("body", "orelse"))
        block = next((block for block in blocks if isinstance(block, list) and inner in block), [])
        before = block[: block.index(inner)] if block else []
        return any(isinstance(statement, ast.If) and self._leaves(statement) for statement in before)

    def _leaves(self, branch: ast.If) -> bool:
        """Return whether the way that a condition takes ends the block."""
        ends = [bool(way) and isinstance(way[-1], _ENDS) for way in (branch.body, branch.orelse)]
        if not any(ends):
            return False
        taken = self._values.truth(branch.test)
        return taken is not None and ends[0 if taken else 1]

    def _unused(self, defined: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
        """Return whether a function or class of the module is named, but nowhere that is reached."""
        if not isinstance(self._script.parents.get(defined), ast.Module) or defined.decorator_list:
            return False
        if any(text.value == defined.name for text in self._script.of_type(ast.Constant)):
            return False  # asked for by its name as a text
        if defined not in self._known:
            self._known[defined] = False  # while it is being asked: what calls itself
            named = [node for node in self._script.of_type(ast.Name) if node.id == defined.name]
            outside = [node for node in named if defined not in self._script.ancestors(node)]
            self._known[defined] = bool(outside) and all(map(self.leave_out, outside))
        return self._known[defined]
