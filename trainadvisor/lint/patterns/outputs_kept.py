"""Lists of Lightning in which each evaluation leaves its outputs for the next ones."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import after
from trainadvisor.source.syntax import is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

KINDS = {"training_step": "on_train_epoch_end", "validation_step": "on_validation_epoch_end"}
ADDS = frozenset({"append", "extend", "update"})
EMPTIES = frozenset({"clear", "reset", "pop"})
Method = ast.FunctionDef | ast.AsyncFunctionDef


@pattern(
    "figure", "name", "loop", words=(("Module",), ("_step(",), ("_epoch_end(",), ("append(", "extend(", "update("))
)
def metric_never_reset(training: Training) -> Iterator[Match]:
    """Yield what the steps of a kind add to and the end of their epoch reads, where nothing ever empties it."""
    for owner in training.script.classes.values():
        methods = {n.name: n for n in owner.body if isinstance(n, Method)}
        for kind, end in KINDS.items():
            step, told = methods.get(kind), methods.get(end)
            if step is None or told is None:
                continue
            for call, name in _grown(step):
                read = [n for n in ast.walk(told) if isinstance(n, ast.Attribute) and ast.unparse(n) == name]
                if read and not any(_empties(m, name) for m in methods.values() if m.name != "__init__"):
                    fix = after(training.source, told.body[-1], f"{name}.{_emptied(call)}()")
                    yield Match(call, {"figure": f"{told.name}()", "name": name, "loop": step.name}, read[0], fix)


def _grown(step: Method) -> Iterator[tuple[ast.Call, str]]:
    """Yield what a step adds to: the call, and the attribute of the module."""
    for node in ast.walk(step):
        func = node.func if isinstance(node, ast.Call) else None
        if isinstance(func, ast.Attribute) and func.attr in ADDS and _is_own(func.value) and isinstance(node, ast.Call):
            yield node, ast.unparse(func.value)


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and is_self(node.value)


def _emptied(call: ast.Call) -> str:
    return "reset" if isinstance(call.func, ast.Attribute) and call.func.attr == "update" else "clear"


def _empties(method: Method, name: str) -> bool:
    """Return whether a method empties a list or a metric of the module, binds it again, or logs it as an object."""
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == name and not isinstance(node.ctx, ast.Load):
            return True
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in EMPTIES and name in ast.unparse(node.func):
            return True
        logs = isinstance(node.func, ast.Attribute) and node.func.attr in ("log", "log_dict")
        if logs and name in (ast.unparse(whole) for given in node.args for whole in _whole(given)):
            return True
    return False


def _whole(given: ast.expr) -> list[ast.expr]:
    """Return what is logged as it is, which Lightning resets by itself."""
    return list(given.values) if isinstance(given, ast.Dict) else [given]
