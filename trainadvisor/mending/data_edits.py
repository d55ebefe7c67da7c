"""Changes of the data before they are handed to a loader: inputs and targets brought to mean 0 and deviation 1."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.source.edits import after, before
from trainadvisor.source.syntax import assignments, called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """What one dataset is given: the name of the array, and the words for the part of it that is used."""

    name: str
    words: str


def standardize_inputs(training: Training, arguments: Arguments) -> Fix | None:
    """Standardize each feature of the inputs by the figures of the training part."""
    del arguments
    return _standardized(training, 0, "input")


def standardize_targets(training: Training, arguments: Arguments) -> Fix | None:
    """Standardize the targets by the figures of the training part."""
    del arguments
    return _standardized(training, 1, "target")


def _standardized(training: Training, place: int, word: str) -> Fix | None:
    """Return the lines before the first dataset that standardize what the datasets get at a place."""
    made = [call for call in training.script.calls_by_name.get("TensorDataset", []) if len(call.args) > place]
    parts = [_part(call.args[place]) for call in made]
    if not made or None in parts:
        return None
    known = [part for part in parts if part is not None]
    statement = training.script.statement(made[0])
    scopes = {training.script.scope(call) for call in made}
    if statement is None or len(scopes) != 1 or training.script.loops(made[0]):
        return None
    names = list(dict.fromkeys(part.name for part in known))
    measured = _measured(training, names, statement)
    if measured is not None:
        return measured
    mean, deviation, text = f"{word}_mean", f"{word}_std", known[0].words
    if mean in training.source.text or deviation in training.source.text:
        return None
    changed = ", ".join(f"({name} - {mean}) / {deviation}" for name in names)
    lines = (
        f"{mean}, {deviation} = {text}.mean(0), {text}.std(0)",
        *([f"{deviation}[{deviation} == 0] = 1"] if word == "input" else []),
        f"{', '.join(names)} = {changed}",
    )
    last = _last_binding(training, names, statement)
    return after(training.source, last, *lines) if last is not None else before(training.source, statement, *lines)


def _measured(training: Training, names: list[str], statement: ast.stmt) -> Fix | None:
    """Return the lines that use a mean and a deviation that the script has measured itself and applied to nothing."""
    block = training.block(statement) or []
    for other in block[: block.index(statement)]:
        found = dict(_figures(other))
        rest = block[block.index(other) + 1 : block.index(statement)]
        bound = {n.id for later in rest for n in ast.walk(later) if isinstance(n, ast.Name)}
        if (
            {"mean", "std"} <= found.keys()
            and {owner for _, owner in found.values()} == set(names)
            and not (bound & {*names, *(name for name, _ in found.values())})
        ):
            return after(training.source, other, f"{names[0]} = ({names[0]} - {found['mean'][0]}) / {found['std'][0]}")
    return None


def _figures(statement: ast.stmt) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield "mean" and "std" with the name that a statement gives it and the name of the array that it is of."""
    for target, value in assignments(statement):
        if not isinstance(target, ast.Name) or not isinstance(value, ast.Call) or called(value) not in ("mean", "std"):
            continue
        owner = _part(value.func.value) if isinstance(value.func, ast.Attribute) else None
        if owner is not None:
            yield called(value), (target.id, owner.name)


def _last_binding(training: Training, names: list[str], statement: ast.stmt) -> ast.stmt | None:
    """Return the statement of the same block that sets the last of some arrays before a dataset is made of them."""
    block = training.block(statement) or []
    set_there = [
        place
        for place, other in enumerate(block[: block.index(statement)])
        if any(isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id in names for n in ast.walk(other))
    ]
    return block[set_there[-1]] if set_there else None


def _part(expr: ast.expr) -> Part | None:
    """Return the array behind what a dataset is given: a name, a part of it, or that converted by one call."""
    if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and not expr.args and not expr.keywords:
        return _part(expr.func.value) if called(expr) in ("float", "double", "clone", "contiguous") else None
    if isinstance(expr, ast.Call) and len(expr.args) == 1:
        return _part(expr.args[0])
    if isinstance(expr, ast.Subscript) and isinstance(expr.value, ast.Name):
        return Part(expr.value.id, ast.unparse(expr))
    return Part(expr.id, expr.id) if isinstance(expr, ast.Name) else None
