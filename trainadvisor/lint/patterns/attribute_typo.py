"""An attribute that nothing reads: a misspelled requires_grad, one that is set on a module, an optimizer's setting."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MISSPELLED = frozenset({"require_grad", "requires_grads", "require_grads", "requiers_grad", "required_grad",
                        "requires_gard", "require_gradient", "requires_gradient"})  # fmt: skip
SETTINGS = frozenset({"lr", "learning_rate", "momentum", "weight_decay", "betas", "eps"})
OF_MODULES = frozenset({"children", "modules", "named_children", "named_modules"})


@pattern("attribute", "wanted", words=(("require", *(f".{name}" for name in sorted(SETTINGS))),))
def attribute_without_effect(training: Training) -> Iterator[Match]:
    """Yield assignments to attributes that no tensor, module or optimizer looks at."""
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        if not isinstance(target, ast.Attribute):
            continue
        owner = training.source.segment(target.value)
        if target.attr in MISSPELLED and isinstance(node.value, ast.Constant):
            fix = (replaced(training.source, target, f"{owner}.requires_grad"),)
            yield Match(node, {"attribute": ast.unparse(target), "wanted": f"{owner}.requires_grad"}, fix=fix)
        elif target.attr in SETTINGS and training.is_optimizer(target.value):
            key, value = {"learning_rate": "lr"}.get(target.attr, target.attr), training.source.segment(node.value)
            wanted = f'for group in {owner}.param_groups:\n{" " * (node.col_offset + 4)}group["{key}"] = {value}'
            yield Match(
                node,
                {"attribute": ast.unparse(target), "wanted": f'{owner}.param_groups[0]["{key}"] = {value}'},
                fix=(replaced(training.source, node, wanted),),
            )
        elif (
            target.attr == "requires_grad"
            and _is_module(training, target.value)
            and constant(node.value) in (True, False)
        ):
            wanted = f"{owner}.requires_grad_({ast.unparse(node.value)})"
            yield Match(
                node,
                {"attribute": ast.unparse(target), "wanted": wanted},
                fix=(replaced(training.source, node, wanted),),
            )


def _is_module(training: Training, value: ast.expr) -> bool:
    """Return whether a value is a module: made by a class of one, or one of a module's children."""
    if isinstance(value, ast.Name):
        bindings = training.script.reaching(value)
        listed = [b.value for b in bindings if b.kind == "loop"]
        named = [b for b in bindings if b.kind == "loop" and b.path in ((), (1,))]
        if listed and len(named) == len(bindings):
            return all(isinstance(v, ast.Call) and called(v) in OF_MODULES for v in listed)
    made = training.made(value)
    return made is not None and training.operations.is_module(made)
