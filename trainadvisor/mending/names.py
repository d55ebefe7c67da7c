"""How a script calls its model and optimizer, and where its only backward is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from trainadvisor.source.training import Training


def backward_statement(training: Training) -> ast.stmt | None:
    """Return the statement with the only backward of a loop that steps, or the first of a script with one optimizer."""
    inner = [b for b in training.backwards if training.script.loops(b) or training.script.function_of(b)]
    return training.script.statement(inner[0]) if len(inner) == 1 else None


def optimizer_name(training: Training) -> str | None:
    """Return the name of the only optimizer of a script."""
    statements = [training.script.statement(made) for made in training.optimizers]
    names = {ast.unparse(s.targets[0]) for s in statements if isinstance(s, ast.Assign)}
    stepped = {ast.unparse(c.func.value) for c in training.steps if isinstance(c.func, ast.Attribute)}
    known = stepped or names
    return next(iter(known)) if len(known) == 1 else None


def model_name(training: Training) -> str | None:
    """Return the name of the only model whose parameters an optimizer was given."""
    calls = [c for made in training.optimizers for c in ast.walk(made) if isinstance(c, ast.Call)]
    given = {ast.unparse(c.func).rpartition(".")[0] for c in calls if called(c) == "parameters"}
    return next(iter(given)) if len(given) == 1 else None


def model_at(training: Training, statement: ast.stmt) -> str | None:
    """Return the name by which the function of a statement calls the only model."""
    given, script = model_name(training), training.script
    function = script.function_of(statement) or script.tree
    called_there = {ast.unparse(c.func) for c in script.calls if script.function_of(c) in (function, None)}
    parts = (given or "").split(".")
    wholes = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    if whole := next((name for name in wholes if name in called_there), None):
        return whole
    asked = [c.func for name in ("train", "eval", "parameters") for c in script.calls_by_name.get(name, [])]
    models = called_there & {ast.unparse(func.value) for func in asked if isinstance(func, ast.Attribute)}
    return next(iter(models)) if len(models) == 1 else None if models else given


def area_of(training: Training, named: ast.expr) -> str:
    """Return what is written before the last part of a name, its module where nothing is."""
    if isinstance(named, ast.Attribute):
        return training.source.segment(named.value)
    return training.script.full(named).rpartition(".")[0]
