"""An optimizer that was given the parameters of what the model no longer is, or not all that were collected for it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.order import statements_between
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import after, moved, moved_behind
from trainadvisor.source.given_parameters import given_parameters, overlap
from trainadvisor.source.syntax import called, constant, keyword, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.given_parameters import Given
    from trainadvisor.source.training import Training

CHANGES = frozenset({"resize_vocab", "resize_token_embeddings"})


@pattern("optimizer", "model", "change", words=(("optim", "Optim"), ("parameters",)))
def optimizer_param_mismatch(training: Training) -> Iterator[Match]:
    """Yield statements that replace the model or a part of it behind the making of its optimizer, in one block."""
    for made in training.optimizers:
        for given in given_parameters(training, made):
            if found := _replaced_behind(training, made, given):
                yield found
                break


def _replaced_behind(training: Training, made: ast.Call, given: Given) -> Match | None:
    """Return the first statement that replaces what an optimizer was given, where a training follows."""
    statement, block = training.script.statement(made), training.block(given.taken)
    if block is None or not isinstance(statement, ast.Assign) or _given_later(training, made, given.owner):
        return None
    name = ast.unparse(statement.targets[0])
    behind = block[block.index(given.taken) + 1 :]
    if any(_rebuilds(other, name) for other in behind if other is not statement):
        return None
    for later in behind:
        if _replaces(training, later, given.owner) and _trained_behind(training, later):
            values = {"optimizer": name, "model": given.owner, "change": ast.unparse(later).split("\n")[0]}
            return Match(later, values, statement, _in_order(training, statement, given, later, block))
    return None


def _given_later(training: Training, made: ast.Call, owner: str) -> bool:
    """Return whether an optimizer that is made later may hold what another one lost."""
    for other in training.optimizers:
        held = given_parameters(training, other)
        if other.lineno > made.lineno and any(overlap(owner, given.owner) for given in held):
            return True
    return False


def _in_order(
    training: Training, statement: ast.Assign, given: Given, later: ast.stmt, block: list[ast.stmt]
) -> Fix | None:
    """Return the change that makes the optimizer behind the change of the model, else the model before it."""
    source, between = training.source, statements_between(block, given.taken, later)
    made = ast.unparse(statement.targets[0])
    if given.taken is statement and not any(names_in(other) & {made} for other in [*between, later]):
        return moved_behind(source, statement, block, later)
    stored = {name for other in [given.taken, *between] for name in names_in(other, ast.Store)}
    return moved(source, later, block, given.taken) if not stored & names_in(later, ast.Load) else None


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
        own = isinstance(func, ast.Attribute) and overlap(ast.unparse(func.value), model)
        return own and (called(statement.value) in CHANGES or _method_replaces(training, func))
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
        return False
    target = statement.targets[0]
    part = isinstance(target, (ast.Attribute, ast.Subscript)) and overlap(ast.unparse(target), model)
    full = training.script.full(statement.value.func)
    layer = (
        full.startswith("torch.nn.") and called(statement.value)[0].isupper() and called(statement.value) != "Parameter"
    )
    written = ast.unparse(target)
    anew = overlap(written, model) and len(written) <= len(model) and _is_new_model(training, statement.value, written)
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
