"""A list that is kept in each round of a loop and emptied in place for the next one: all entries are that list."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Loop, Training

KEPT = frozenset({"append", "appendleft"})
# What empties a list or moves it on; and what fills a tensor or an array.
EMPTIED = frozenset({"clear", "pop", "popleft"})
FILLED = frozenset({"zero_", "fill_", "copy_", "fill"})
MAKERS = frozenset({"zeros", "ones", "empty", "full", "zeros_like", "empty_like", "tensor", "array"})
LEAVING = (ast.Break, ast.Return, ast.Raise)


@pattern("kept", "store", "change", words=(("append",), ("torch",), ("clear", "pop", "zero_", "fill", "copy_", "[:]")))
def kept_list_changed(training: Training) -> Iterator[Match]:
    """Yield what is appended as it is in each round of a loop, made once before it, and changed in place within it."""
    for call in training.methods("append") + training.methods("appendleft"):
        loops = training.script.loops(call)
        kept = call.args[0] if len(call.args) == 1 else None
        if not loops or not isinstance(kept, ast.Name) or not isinstance(call.func, ast.Attribute):
            continue
        loop = _made_before(training, loops, kept)
        store = call.func.value
        if loop is None or _rebound(training, loop, store) or ast.unparse(store) == kept.id or _leaves(training, call):
            continue
        change = next((n for n in training.script.inside(loop) if _changes(n, kept.id)), None)
        if change is not None:
            values = {"kept": kept.id, "store": ast.unparse(store), "change": ast.unparse(change)}
            yield Match(call, values, change, (replaced(training.source, kept, _copy(training, kept)),))


def _made_before(training: Training, loops: list[Loop], kept: ast.Name) -> Loop | None:
    """Return the outermost loop around a name that was bound, once, to a new list or array in front of it."""
    bindings = training.script.reaching(kept)
    made = bindings[0].value if len(bindings) == 1 and bindings[0].kind == "value" else None
    if not bindings or made is None or bindings[0].path or not _is_new(training, made):
        return None
    bound = bindings[0].statement
    outside = [loop for loop in loops if bound not in ast.walk(loop)]
    return outside[-1] if outside else None


def _is_new(training: Training, made: ast.expr) -> bool:
    """Return whether an expression makes a list, deque, array or tensor."""
    if isinstance(made, (ast.List, ast.ListComp)):
        return True
    if not isinstance(made, ast.Call):
        return False
    library = training.script.full(made.func).startswith(("torch.", "numpy."))
    return called(made) in ("list", "deque") or (library and called(made) in MAKERS)


def _rebound(training: Training, loop: Loop, store: ast.expr) -> bool:
    """Return whether what things are put into is itself made anew, emptied or used up in the loop."""
    text = ast.unparse(store)
    for node in training.script.inside(loop):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.For) else []
        if any(text == ast.unparse(n) for t in targets for n in ast.walk(t) if isinstance(n, ast.expr)):
            return True
        if _changes(node, text):
            return True
    return False


def _leaves(training: Training, call: ast.Call) -> bool:
    """Return whether the loop is left behind an append, which is then done once."""
    block = training.block(training.script.statement(call)) or []
    return any(isinstance(statement, LEAVING) for statement in block)


def _changes(node: ast.AST, name: str) -> bool:
    """Return whether a node empties a list in place, moves it on, or fills an array anew."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return called(node) in EMPTIED | FILLED and ast.unparse(node.func.value) == name
    targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else []
    whole = [t for t in targets if isinstance(t, ast.Subscript) and ast.unparse(t.value) == name]
    return any(isinstance(t.slice, ast.Slice) and constant(t.slice.lower) in (None, 0) and t.slice.upper is None
               for t in whole)  # fmt: skip


def _copy(training: Training, kept: ast.Name) -> str:
    made = training.values.single(kept)
    full = training.script.full(made.func) if isinstance(made, ast.Call) else ""
    return f"{kept.id}.clone()" if full.startswith("torch.") else f"{kept.id}.copy()"
