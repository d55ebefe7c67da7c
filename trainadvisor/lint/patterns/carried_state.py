"""A hidden state that is carried from batch to batch with its graph: the second backward() fails."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import before

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("state", words=(("hidden", "state", "h_", "hx", " h"), ("backward(",)))
def hidden_state_not_detached(training: Training) -> Iterator[Match]:
    """Yield `out, h = model(x, h)` in a loop with backward(), where h comes from nowhere else in the loop."""
    for node in training.script.nodes:
        if (
            not isinstance(node, ast.Assign)
            or not isinstance(node.targets[0], ast.Tuple)
            or not isinstance(node.value, ast.Call)
        ):
            continue
        loops = training.script.loops(node)
        names = [t.id for t in node.targets[0].elts[1:] if isinstance(t, ast.Name)]
        given = {a.id for a in node.value.args[1:] if isinstance(a, ast.Name)}
        carried = [name for name in names if name in given]
        if not loops or len(carried) != 1 or not _inside(training, loops[0]):
            continue
        if _only_here(training, node, loops[0], carried[0]):
            fix = before(training.source, node, f"{carried[0]} = {carried[0]}.detach()")
            yield Match(node, {"state": carried[0]}, loops[0], fix if _is_tensor(training) else None)


def _inside(training: Training, loop: ast.AST) -> bool:
    """Return whether backward() is called in the very loop."""
    return any(training.script.loops(b)[:1] == [loop] for b in training.backwards)


def _only_here(training: Training, node: ast.Assign, loop: ast.AST, name: str) -> bool:
    """Return whether the state is bound once in the loop, is made before it, and is never detached."""
    inner = [n for n in ast.walk(loop) if isinstance(n, ast.Name) and n.id == name]
    stored = [n for n in inner if isinstance(n.ctx, ast.Store)]
    read = [n for n in inner if isinstance(n.ctx, ast.Load)]
    touched = any(n not in (node.value.args if isinstance(node.value, ast.Call) else ()) for n in read)
    scope = training.script.bindings(training.script.scope(node)).get(name, [])
    earlier = [b for b in scope if b.line[0] < loop.lineno and b.kind != "argument"]  # type: ignore[attr-defined]
    return len(stored) == 1 and not touched and bool(earlier)


def _is_tensor(training: Training) -> bool:
    return "LSTM" not in training.source.text
