"""A model whose optimizer steps in a loop that detaches every output of it: no gradient ever reaches its weights."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import unwrapped
from trainadvisor.source.syntax import called, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Loop, Training

# What a loop may do with a model beside calling it.
HARMLESS = frozenset({"train", "eval", "zero_grad", "parameters", "state_dict", "named_parameters", "to"})


@pattern("model", words=((".detach()",), (".step(",), (".parameters()",)))
def loss_term_without_gradient(training: Training) -> Iterator[Match]:
    """Yield the detached outputs of a model that is stepped in the same loop and used there in no other way."""
    for step in training.steps:
        loops, model = training.script.loops(step), _model(training, step)
        if not loops or model is None or not any(node in training.backward_set for node in ast.walk(loops[0])):
            continue
        detached = [
            _detached(training, name) or _behind(training, loops[0], name) for name in _mentions(loops[0], model)
        ]
        known = [call for call in detached if call is not None]
        if known and len(known) == len(detached):
            yield Match(known[0], {"model": model}, step, _attached(training, loops[0], known))


def _model(training: Training, step: ast.Call) -> str | None:
    """Return the name of the model, all of whose parameters an optimizer was given."""
    owner = step.func.value if isinstance(step.func, ast.Attribute) else None
    made = training.made(owner) if isinstance(owner, ast.Name) else None
    given = keyword(made, "params", 0) if made is not None and training.makes_optimizer(made) else None
    is_whole = isinstance(given, ast.Call) and called(given) == "parameters" and isinstance(given.func, ast.Attribute)
    model = (
        given.func.value if is_whole and isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) else None
    )
    return model.id if isinstance(model, ast.Name) else None


def _mentions(loop: Loop, model: str) -> list[ast.Name]:
    """Return where a loop names a model, but for calls of methods that say nothing of its outputs."""
    harmless = {n.value for n in ast.walk(loop) if isinstance(n, ast.Attribute) and n.attr in HARMLESS}
    names = [n for n in ast.walk(loop) if isinstance(n, ast.Name) and n.id == model]
    return [name for name in names if name not in harmless]


def _detached(training: Training, name: ast.Name) -> ast.Call | None:
    """Return the call of detach() on the output of a model, None where its name is used otherwise."""
    call = training.script.parents.get(name)
    method = training.script.parents.get(call) if isinstance(call, ast.Call) and call.func is name else None
    outer = training.script.parents.get(method) if isinstance(method, ast.Attribute) else None
    is_detached = isinstance(outer, ast.Call) and outer.func is method and called(outer) == "detach"
    return outer if is_detached and isinstance(outer, ast.Call) else None


def _behind(training: Training, loop: Loop, name: ast.Name) -> ast.Call | None:
    """Return the last detach() of a name that an output is given, where the loop reads it in no other way."""
    call = training.script.parents.get(name)
    statement = training.script.parents.get(call) if isinstance(call, ast.Call) and call.func is name else None
    target = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is call else None
    if not isinstance(target, ast.Name):
        return None
    reads = [n for n in ast.walk(loop) if isinstance(n, ast.Name) and n.id == target.id and isinstance(n.ctx, ast.Load)]
    methods = [training.script.parents.get(read) for read in reads]
    calls = [training.script.parents.get(method) for method in methods if isinstance(method, ast.Attribute)]
    known = [c for c in calls if isinstance(c, ast.Call) and called(c) == "detach"]
    return max(known, key=lambda c: c.lineno) if known and len(known) == len(reads) else None


def _attached(training: Training, loop: Loop, detached: list[ast.Call]) -> Fix | None:
    """Return the change that keeps the gradient, where whatever must not have it detaches the value itself."""
    statement = training.script.statement(detached[0])
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    inner = detached[0].func.value if isinstance(detached[0].func, ast.Attribute) else None
    if len(detached) != 1 or not isinstance(target, ast.Name) or inner is None:
        return None
    again = any(
        isinstance(n, ast.Call) and called(n) == "detach" and ast.unparse(n.func) == f"{target.id}.detach"
        for n in ast.walk(loop)
    )
    backwards = [n for n in ast.walk(loop) if n in training.backward_set]
    return (unwrapped(training.source, detached[0], inner),) if again or len(backwards) == 1 else None
