"""Which statement comes before which: what several patterns ask about the order of calls in a block."""

from __future__ import annotations

import ast

from trainadvisor.source.syntax import called


def statements_between(block: list[ast.stmt], first: ast.stmt, last: ast.stmt) -> list[ast.stmt]:
    """Return the statements of a block between two of its own."""
    return block[block.index(first) + 1 : block.index(last)]


def same_block(statement: ast.stmt, block: list[ast.stmt], owner: str, method: str) -> ast.stmt | None:
    """Return the first statement behind another one of its block that calls a method of an object, directly."""
    for later in block[block.index(statement) + 1 :]:
        call = later.value if isinstance(later, ast.Expr) else None
        if isinstance(call, ast.Call) and called(call) == method and isinstance(call.func, ast.Attribute):
            receiver = ast.unparse(call.func.value)
            if receiver == owner or (call.args and ast.unparse(call.args[0]) == owner):
                return later
    return None
