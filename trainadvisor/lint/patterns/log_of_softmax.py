"""A logarithm of a softmax or sigmoid: minus infinity as soon as a probability is rounded to zero."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("log", "given", words=((".log(",), ("softmax", "Softmax", "sigmoid", "Sigmoid")))
def log_of_softmax(training: Training) -> Iterator[Match]:
    """Yield logarithms of what can only be a softmax or sigmoid as it is, in a script that trains."""
    if not training.backwards:
        return
    for call in training.script.calls_by_name.get("log", []):
        function = training.script.full(call.func) == "torch.log"
        value = call.args[0] if function and call.args else None
        if not function and isinstance(call.func, ast.Attribute) and not call.args:
            value = call.func.value
        if value is None or _under_no_grad(training, call):
            continue
        ends = training.operations.ends(value)
        kinds = {end.kind for end in ends}
        if kinds and kinds <= {"softmax", "sigmoid"}:
            given = f"{min(kinds)}(x)"
            yield Match(call, {"log": ast.unparse(call.func), "given": given}, ends[0].node)


def _under_no_grad(training: Training, call: ast.Call) -> bool:
    around = [n for n in training.script.ancestors(call) if isinstance(n, ast.With)]
    names = [called(i.context_expr) for n in around for i in n.items if isinstance(i.context_expr, ast.Call)]
    return bool({"no_grad", "inference_mode"} & set(names))
