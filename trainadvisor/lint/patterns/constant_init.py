"""All weights set to one number: the units of a layer start equal and stay equal."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import without
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

FILLS = frozenset({"zeros_", "ones_", "constant_", "fill_", "zero_"})


@pattern("fill", words=(("zeros_", "ones_", "constant_", "fill_", "zero_"),))
def symmetric_initialization(training: Training) -> Iterator[Match]:
    """Yield statements that set every parameter, or the weight of every linear layer, to the same number."""
    for call in training.script.calls:
        if called(call) not in FILLS or not isinstance(training.script.parents.get(call), ast.Expr):
            continue
        target = _target(training, call)
        if target is None:
            continue
        every = isinstance(target, ast.Name) and _every_parameter(training, target)
        weight = isinstance(target, ast.Attribute) and target.attr == "weight"
        if every or (weight and _every_layer(training, call, target)):
            yield Match(call, {"fill": ast.unparse(call)}, fix=_dropped(training, call))


def _dropped(training: Training, call: ast.Call) -> Fix | None:
    """Return the change that takes the filling away, and with it a loop that does nothing else."""
    statement = training.script.statement(call)
    parent = training.script.parents.get(statement) if statement is not None else None
    while isinstance(parent, ast.For) and len(parent.body) == 1 and not parent.orelse:
        statement, parent = parent, training.script.parents.get(parent)
    block = training.block(statement)
    return without(training.source, statement, block) if statement is not None and block else None


def _target(training: Training, call: ast.Call) -> ast.expr | None:
    """Return the tensor that a call fills with one number."""
    full = training.script.full(call.func)
    if full.startswith("torch.nn.init."):
        known = called(call) != "constant_" or (len(call.args) > 1 and constant(call.args[1]) is not None)
        return call.args[0] if call.args and known else None
    if not isinstance(call.func, ast.Attribute) or called(call) not in ("fill_", "zero_"):
        return None
    value = call.func.value
    return value.value if isinstance(value, ast.Attribute) and value.attr == "data" else value


def _every_parameter(training: Training, name: ast.Name) -> bool:
    """Return whether a name runs over all parameters of a model that an optimizer trains, without a condition."""
    loops = [b for b in training.script.reaching(name) if b.kind == "loop"]
    if len(loops) != 1 or _conditional(training, name, loops[0].statement):
        return False
    listed = loops[0].value
    if not isinstance(listed, ast.Call) or called(listed) not in ("parameters", "named_parameters"):
        return False
    model = ast.unparse(listed.func).rpartition(".")[0]
    return any(f"{model}.parameters()" in ast.unparse(made) for made in training.optimizers)


def _conditional(training: Training, node: ast.AST, loop: ast.AST) -> bool:
    for parent in training.script.ancestors(node):
        if parent is loop:
            return False
        if isinstance(parent, (ast.If, ast.For, ast.While)):
            return True
    return True


def _every_layer(training: Training, call: ast.Call, target: ast.expr) -> bool:
    """Return whether a call is reached by every linear layer: in a function that is applied, or a loop over modules."""
    condition = next((n for n in training.script.ancestors(call) if isinstance(n, ast.If)), None)
    layer = target.value if isinstance(target, ast.Attribute) else target
    if condition is None or not isinstance(layer, ast.Name) or "Linear" not in ast.unparse(condition.test):
        return False
    test = condition.test
    plain = isinstance(test, ast.Call) and called(test) == "isinstance" and ast.unparse(test.args[0]) == layer.id
    bindings = training.script.reaching(layer)
    if not plain or len(bindings) != 1 or call not in [n for s in condition.body for n in ast.walk(s)]:
        return False
    if bindings[0].kind == "loop" and isinstance(bindings[0].value, ast.Call):
        return called(bindings[0].value) == "modules"
    function = training.script.function_of(call)
    applied = training.script.calls_by_name.get("apply", [])
    return function is not None and any(c.args and ast.unparse(c.args[0]) == function.name for c in applied)
