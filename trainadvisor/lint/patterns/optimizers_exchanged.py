"""Optimizers of a Lightning module that are taken in another order than `configure_optimizers` gives them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What a name says beside whose optimizer it is.
OPTIMIZER = re.compile(r"optimi[sz]ers?|optim|opt|_")


@pattern("taken", "given", words=(("self.optimizers(",), ("configure_optimizers",)))
def results_exchanged(training: Training) -> Iterator[Match]:
    """Yield where self.optimizers() is taken apart under the names of what was given, in another order."""
    for node in training.script.of_type(ast.Assign):
        target, value = node.targets[0], node.value
        asked = isinstance(value, ast.Call) and called(value) == "optimizers" and isinstance(target, ast.Tuple)
        if not asked or not isinstance(value.func, ast.Attribute) or not is_self(value.func.value):  # type: ignore[attr-defined]
            continue
        given = _given(training.script.method(training.script.class_of(node), "configure_optimizers"))
        taken = [ast.unparse(name) for name in target.elts]  # type: ignore[attr-defined]
        if given and _owners(taken) != _owners(given) and sorted(_owners(taken)) == sorted(_owners(given)):
            in_order = ", ".join(sorted(taken, key=lambda name: _owners(given).index(_owners([name])[0])))
            fix = (replaced(training.source, target, in_order),)
            yield Match(node, {"taken": ", ".join(taken), "given": ", ".join(given)}, None, fix)


def _given(function: ast.FunctionDef | None) -> list[str]:
    """Return the names of the optimizers that a method gives by its only return, with or without schedules."""
    returns = [n.value for n in ast.walk(function) if isinstance(n, ast.Return)] if function is not None else []
    listed = _parts(returns[0]) if len(returns) == 1 else []
    if listed and isinstance(listed[0], (ast.List, ast.Tuple)):
        listed = listed[0].elts
    names = [_named(part) for part in listed]
    return names if "" not in names and len(set(_owners(names))) == len(names) else []


def _parts(value: ast.expr | None) -> list[ast.expr]:
    return value.elts if isinstance(value, (ast.List, ast.Tuple)) else []


def _named(part: ast.expr) -> str:
    """Return the name of an optimizer that is given by itself or with its schedule: {"optimizer": name}."""
    if isinstance(part, ast.Dict):
        held = [v for k, v in zip(part.keys, part.values, strict=True) if constant(k) == "optimizer"]
        part = held[0] if held else part
    return ast.unparse(part) if isinstance(part, (ast.Name, ast.Attribute)) else ""


def _owners(names: list[str]) -> list[str]:
    """Return of each name the first letter of what it optimizes: d for d_opt, opt_d and discriminator_optimizer."""
    return [OPTIMIZER.sub("", name.rpartition(".")[-1].lower())[:1] for name in names]
