"""Optimizers that Accelerate does not know: they step at every micro-batch of what it accumulates."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import constant, keyword
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("place", "told", words=(("accelerate",), (".accumulate(",), (".step(",)))
def grad_accumulation_scaling(training: Training) -> Iterator[Match]:
    """Yield steps inside of accumulate() by an optimizer that prepare() was never given."""
    script = training.script
    makers = [call for call in script.calls_by_name.get("Accelerator", []) if _accumulates(call)]
    prepared = [
        call
        for name in ("prepare", "prepare_optimizer")
        for call in script.calls_by_name.get(name, [])
        if isinstance(call.func, ast.Attribute)
    ]
    if not makers or not prepared or any(isinstance(a, ast.Starred) for call in prepared for a in call.args):
        return
    handed = set().union(*(names_in(argument) for call in prepared for argument in call.args))
    for step in training.steps:
        owner = step.func.value if isinstance(step.func, ast.Attribute) else None
        around = [item for w in script.ancestors(step) if isinstance(w, ast.With) for item in w.items]
        inside = any(ast.unparse(item.context_expr).partition("(")[0].endswith(".accumulate") for item in around)
        if isinstance(owner, ast.Name) and inside and owner.id not in handed:
            yield Match(step, {"place": ast.unparse(step), "told": "accelerator.prepare()"}, prepared[0])


def _accumulates(call: ast.Call) -> bool:
    given = keyword(call, "gradient_accumulation_steps")
    return given is not None and constant(given) != 1
