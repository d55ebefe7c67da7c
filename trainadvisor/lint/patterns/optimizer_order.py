"""An optimizer that was given the parameters of what the model no longer is, or not all that were collected for it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import after, moved
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

CHANGES = frozenset({"resize_vocab", "resize_token_embeddings"})


@pattern("optimizer", "model", "change", words=(("optim", "Optim"), ("parameters",)))
def optimizer_param_mismatch(training: Training) -> Iterator[Match]:
    """Yield statements that replace the model or a part of it behind the making of its optimizer, in one block."""
    for made in training.optimizers:
        statement = training.script.statement(made)
        block = training.block(statement)
        model = _model(made)
        if statement is None or block is None or model is None or not isinstance(statement, ast.Assign):
            continue
        if any(other.lineno > made.lineno and _model(other) == model for other in training.optimizers):
            continue
        name = ast.unparse(statement.targets[0])
        behind = block[block.index(statement) + 1 :]
        for later in () if any(_rebuilds(other, name) for other in behind) else behind:
            if _replaces(training, later, model) and _trained_behind(training, later):
                values = {"optimizer": name, "model": model, "change": ast.unparse(later).split("\n")[0]}
                yield Match(later, values, statement, moved(training.source, later, block, statement))
                break


def _trained_behind(training: Training, statement: ast.stmt) -> bool:
    """Return whether a training follows: in the text, in a function that is called there, or none is shown."""
    if not training.backwards:
        return True
    for backward in training.backwards:
        function = training.script.function_of(backward)
        places = [backward] if function is None else [backward, *training.script.callers(function)]
        if any(place.lineno > statement.lineno for place in places):
            return True
    return False


def _model(made: ast.Call) -> str | None:
    """Return the model whose parameters an optimizer is given, all of them."""
    given = made.args[0] if made.args else next((k.value for k in made.keywords if k.arg == "params"), None)
    if isinstance(given, ast.Call) and called(given) == "parameters" and isinstance(given.func, ast.Attribute):
        return ast.unparse(given.func.value)
    return None


def _rebuilds(statement: ast.stmt, optimizer: str) -> bool:
    """Return whether a statement makes the optimizer anew, or gives it more parameters."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == optimizer for target in node.targets):
            return True
        if isinstance(node, ast.Call) and called(node) == "add_param_group":
            return True
    return False


def _replaces(training: Training, statement: ast.stmt, model: str) -> bool:
    """Return whether a statement puts a new module in the place of the model's own, or a new model."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        func = statement.value.func
        own = isinstance(func, ast.Attribute) and ast.unparse(func.value) == model
        return own and (called(statement.value) in CHANGES or _method_replaces(training, func))
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
        return False
    target = statement.targets[0]
    part = isinstance(target, (ast.Attribute, ast.Subscript)) and ast.unparse(target).startswith(
        (f"{model}.", f"{model}[")
    )
    full = training.script.full(statement.value.func)
    layer = (
        full.startswith("torch.nn.") and called(statement.value)[0].isupper() and called(statement.value) != "Parameter"
    )
    anew = ast.unparse(target) == model and _is_new_model(training, statement.value, model)
    return (part and layer and called(statement.value) not in ("Identity", "Dropout")) or anew


def _is_new_model(training: Training, value: ast.Call, model: str) -> bool:
    """Return whether a call makes a module, itself or in a function of the script, and not out of the old one."""
    if any(ast.unparse(node) == model for node in ast.walk(value) if isinstance(node, ast.expr)):
        return False
    origin = training.values.single(value)
    return isinstance(origin, ast.Call) and training.operations.is_module(origin)


def _method_replaces(training: Training, func: ast.expr) -> bool:
    """Return whether a method of the model's class assigns new layers to its attributes."""
    origin = training.made(func.value) if isinstance(func, ast.Attribute) else None
    owner = training.operations.user_class(origin) if origin is not None else None
    method = training.script.method(owner, func.attr) if owner and isinstance(func, ast.Attribute) else None
    for node in ast.walk(method) if method else ():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            made = training.script.full(node.value.func)
            if (
                ast.unparse(node.targets[0]).startswith("self.")
                and made.startswith("torch.nn.")
                and called(node.value) in ("Linear", "Embedding", "Conv2d", "Sequential")
            ):
                return True
    return False


@pattern("group", "optimizer", words=(('"params"', "'params'"),))
def unused_parameter_group(training: Training) -> Iterator[Match]:
    """Yield groups of parameters that are made and never given to an optimizer."""
    read = {node.id for node in training.script.of_type(ast.Name) if isinstance(node.ctx, ast.Load)}
    for node in training.script.of_type(ast.Assign):
        if not isinstance(node.value, ast.Dict):
            continue
        target = node.targets[0]
        keys = [constant(key) for key in node.value.keys if key is not None]
        if isinstance(target, ast.Name) and "params" in keys and target.id not in read and training.optimizers:
            made = training.optimizers[0]
            values = {"optimizer": ast.unparse(made.func), "group": target.id}
            yield Match(node, values, made, _appended(training, node, target.id, made))


def _appended(training: Training, node: ast.Assign, group: str, made: ast.Call) -> Fix | None:
    """Return the change that puts a group into the list of groups that the optimizer is given."""
    given = keyword(made, "params", 0)
    origin = training.values.single(given) if given is not None else None
    if not isinstance(given, ast.Name) or not isinstance(origin, ast.List) or origin.lineno > node.lineno:
        return None
    return after(training.source, node, f"{given.id}.append({group})") if made.lineno > node.lineno else None
