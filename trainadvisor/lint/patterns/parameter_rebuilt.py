"""A tensor that is built anew from the numbers of a parameter: no gradient leads back to it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MAKERS = frozenset({"torch.tensor", "torch.as_tensor", "torch.Tensor", "torch.FloatTensor", "numpy.array"})
# What is cut on purpose, and what is no number of the parameter.
CUTS = frozenset({"detach", "item", "tolist", "numpy", "shape", "size", "numel", "dim", "ndim", "dtype", "device"})


@pattern("name", "made", words=(("Parameter(",), ("forward(",), ("torch.tensor(", "as_tensor(", "Tensor(", "array(")))
def parameter_rebuilt(training: Training) -> Iterator[Match]:
    """Yield tensors that the forward of a module, or a method that it uses, makes of one of its parameters."""
    for call in training.script.calls:
        owner = training.script.class_of(call)
        if owner is None or training.script.full(call.func) not in MAKERS or not call.args:
            continue
        if not training.is_module_class(owner) or not _runs(training, owner, call):
            continue
        name = next((n for n in ast.walk(call.args[0]) if _is_parameter(training, owner, n)), None)
        if name is not None and not _is_only_looked_at(training, call):
            yield Match(call, {"name": ast.unparse(name), "made": ast.unparse(call.func)})


def _runs(training: Training, owner: ast.ClassDef, call: ast.Call) -> bool:
    """Return whether a call stands in forward(), or in a method that forward() calls."""
    forward, method = training.script.method(owner, "forward"), training.script.function_of(call)
    if forward is None or method is None:
        return False
    used = {n.attr for n in ast.walk(forward) if isinstance(n, ast.Attribute) and is_self(n.value)}
    return method is forward or method.name in used


def _is_parameter(training: Training, owner: ast.ClassDef, node: ast.AST) -> bool:
    """Return whether a node is an attribute that the class makes a parameter, or a value computed of one."""
    if isinstance(node, ast.Attribute) and is_self(node.value):
        made = training.script.attribute_values(owner, node.attr)
        return bool(made) and all(isinstance(m, ast.Call) and called(m) == "Parameter" for m in made)
    if not isinstance(node, ast.Name):
        return False
    origins = [origin.expr for origin in training.values.origins(node) if origin is not None]
    return any(_is_parameter(training, owner, n) for o in origins for n in ast.walk(o) if isinstance(n, ast.Attribute))


def _is_only_looked_at(training: Training, call: ast.Call) -> bool:
    """Return whether the value was cut on purpose, is a shape, or is made where no gradients are computed."""
    if any(isinstance(n, ast.Attribute) and n.attr in CUTS for n in ast.walk(call)):
        return True
    around = [n for n in training.script.ancestors(call) if isinstance(n, ast.With)]
    return any("no_grad" in ast.unparse(item.context_expr) for node in around for item in node.items)
