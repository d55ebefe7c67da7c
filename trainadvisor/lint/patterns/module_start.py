"""A module that is not set up before it is used, and parameters that were used up before they are needed."""

from __future__ import annotations

import ast
from itertools import combinations
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import before, replaced
from trainadvisor.source.one_path import one_path
from trainadvisor.source.syntax import called, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("module", words=(("Module",), ("__init__",)))
def super_init_missing(training: Training) -> Iterator[Match]:
    """Yield constructors of modules that assign layers and call no other constructor."""
    for owner in training.module_classes:
        made = next((n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
        direct = any(training.script.full(base) in ("torch.nn.Module", "nn.Module") for base in owner.bases)
        if made is None or not direct or owner.decorator_list:
            continue
        calls = [n for n in ast.walk(made) if isinstance(n, ast.Call)]
        started = any(called(c) == "super" or called(c) in ("__init__", "_init", "init_module") for c in calls)
        layers = [
            n
            for n in ast.walk(made)
            if isinstance(n, ast.Assign)
            and isinstance(n.targets[0], ast.Attribute)
            and is_self(n.targets[0].value)
            and isinstance(n.value, ast.Call)
            and training.script.full(n.value.func).startswith("torch.nn.")
            and called(n.value)[:1].isupper()
        ]
        if layers and not started:
            fix = before(training.source, made.body[0], "super().__init__()")
            yield Match(layers[0], {"module": owner.name}, made, fix)


@pattern("name", "value", words=((".parameters()",),))
def parameters_used_up(training: Training) -> Iterator[Match]:
    """Yield names of what parameters() returns that are gone through more than once."""
    for node in training.script.of_type(ast.Assign):
        target, value = node.targets[0], node.value
        if not isinstance(target, ast.Name) or not isinstance(value, ast.Call) or called(value) != "parameters":
            continue
        scope = training.script.scope(node)
        bound = training.script.bindings(scope).get(target.id, [])
        reads = [
            n
            for n in training.script.inside(scope)
            if isinstance(n, ast.Name) and n.id == target.id and isinstance(n.ctx, ast.Load)
        ]
        if len(bound) != 1 or value.args or not all(_goes_through(training, n) for n in reads):
            continue
        pairs = combinations(reads, 2)
        second = next((later for one, later in pairs if one_path(training.script.parents, one, later)), None)
        if second is not None:
            text = training.source.segment(value)
            values = {"name": target.id, "value": ast.unparse(value)}
            yield Match(node, values, second, (replaced(training.source, value, f"list({text})"),))


def _goes_through(training: Training, name: ast.Name) -> bool:
    """Return whether a read hands the parameters to a call of torch or loops over them."""
    parent = training.script.parents.get(name)
    if isinstance(parent, ast.Call) and name in parent.args:
        return training.makes_optimizer(parent) or "clip_grad" in called(parent) or called(parent) in ("sum", "list")
    return isinstance(parent, (ast.For, ast.comprehension)) and parent.iter is name
