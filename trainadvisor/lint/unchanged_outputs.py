"""Whether a prediction is what a model gave, number by number: no arithmetic, and of no other kind of estimator."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, is_self
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Calls that give the same numbers in another form.
FORMS = frozenset({"detach", "numpy", "cpu", "cuda", "to", "float", "double", "squeeze", "unsqueeze", "ravel",
                   "flatten", "reshape", "view", "tolist", "item", "array", "asarray", "from_numpy", "tensor", "Tensor",
                   "concatenate", "cat", "stack", "vstack", "hstack", "list", "copy", "clone", "astype"})  # fmt: skip
DEEPEST = 8


def as_the_model_gave_it(training: Training, expr: ast.expr, depth: int = 0) -> bool:
    """Return whether a value is the output of a called object, by its latest binding; False where that is not seen."""
    if depth > DEEPEST:
        return False
    if isinstance(expr, ast.Name):
        return _is_bound_to_output(training, expr, depth)
    if isinstance(expr, ast.Subscript):
        return as_the_model_gave_it(training, expr.value, depth + 1)
    if isinstance(expr, (ast.List, ast.Tuple)):
        return all(as_the_model_gave_it(training, part, depth + 1) for part in expr.elts)
    if isinstance(expr, ast.ListComp):
        return as_the_model_gave_it(training, expr.elt, depth + 1)
    return isinstance(expr, ast.Call) and _is_output(training, expr, depth)


def _is_output(training: Training, call: ast.Call, depth: int) -> bool:
    """Return whether a call is the forward of a model, or gives the numbers of one in another form."""
    library = training.script.full(call.func).startswith(("numpy.", "torch."))
    if called(call) in FORMS:
        method = isinstance(call.func, ast.Attribute) and not library
        inner = call.func.value if method else call.args[0] if call.args else None  # type: ignore[attr-defined]
        return inner is not None and as_the_model_gave_it(training, inner, depth + 1)
    own = isinstance(call.func, ast.Attribute) and is_self(call.func.value)
    plain = isinstance(call.func, ast.Name) or (own and called(call) != "predict")
    return plain and not library and not training.called_functions(call)


def _is_bound_to_output(training: Training, name: ast.Name, depth: int) -> bool:
    """Return whether all that a name may hold where it stands is output, and no += or *= changes it."""
    values = [binding.value for binding in training.script.reaching(name)]
    return not _is_changed(training, name.id) and all(
        value is not None
        and all(as_the_model_gave_it(training, part, depth + 1) for part in _gathered(training, name, value))
        for value in values
    )


def _is_changed(training: Training, name: str) -> bool:
    """Return whether a name is changed by arithmetic: y_pred *= std, y_pred[:] += mean."""
    return any(name in names_in(node.target) for node in training.script.of_type(ast.AugAssign))


def _gathered(training: Training, name: ast.Name, value: ast.expr) -> Iterator[ast.expr]:
    """Yield a value, or what a list that is empty at first gets appended."""
    if not isinstance(value, ast.List) or value.elts:
        yield value
        return
    for call in training.script.calls:
        own = call.func.value if isinstance(call.func, ast.Attribute) else None
        if called(call) in ("append", "extend") and isinstance(own, ast.Name) and own.id == name.id and call.args:
            yield call.args[0]
