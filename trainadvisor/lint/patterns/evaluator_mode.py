"""Evaluators of ignite whose function leaves the model in the mode of the training."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import before
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

WITHOUT_GRADIENTS = ("no_grad", "inference_mode")
MODES = ("Dropout", "BatchNorm", "dropout", "models.", "create_model", "from_pretrained")


@pattern("call", words=(("ignite",), ("Engine(",), ("def ",), WITHOUT_GRADIENTS, (".train()",), MODES))
def train_mode_in_eval(training: Training) -> Iterator[Match]:
    """Yield functions of an engine without gradients, of a script that calls train() and nowhere eval()."""
    modes = [call for name in ("eval", "train") for call in training.methods(name) if name == "eval" or call.args]
    if modes:
        return
    trained = {ast.unparse(call.func.value) for call in training.methods("train")}  # type: ignore[attr-defined]
    for engine in training.script.calls_by_name.get("Engine", []):
        given = engine.args[0] if engine.args else None
        for function in training.script.functions:
            named = isinstance(given, ast.Name) and given.id == function.name
            if not named or not _is_without_gradients(function):
                continue
            called_here = [n for n in ast.walk(function) if isinstance(n, ast.Call) and ast.unparse(n.func) in trained]
            if called_here:
                model = ast.unparse(called_here[0].func)
                first = function.body[0]
                yield Match(
                    function, {"call": f"{function.name}()"}, engine, before(training.source, first, f"{model}.eval()")
                )


def _is_without_gradients(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a function, or a block of it, computes no gradients."""
    around = [*function.decorator_list, *(i.context_expr for n in ast.walk(function) if isinstance(n, ast.With)
                                          for i in n.items)]  # fmt: skip
    return any(called(node) in WITHOUT_GRADIENTS for node in around if isinstance(node, ast.Call))
