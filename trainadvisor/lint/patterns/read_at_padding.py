"""The last step of a recurrent layer, read for rows that are filled up behind their ends."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, is_self, keyword
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
# What keeps padding out of the last step, or puts it in front.
AWARE = re.compile(
    r"pack_|lengths?\b|_lens?\b|\blens\b|mask|gather|padding_side|flip|\[::-1\]|left|sorted|bucket", re.IGNORECASE
)
# Names of what is no input.
LABELS = re.compile(r"label|target|tag|\by|trg|tgt|answer", re.IGNORECASE)
LAST = -1


@pattern("read", "padded", words=(("pad_sequence(",), ("LSTM(", "GRU(", "RNN(")))
def read_at_padding(training: Training) -> Iterator[Match]:
    """Yield reads of the last step where rows of different lengths are padded and nothing asks for their lengths."""
    padded = [call for call in training.script.calls if called(call) == "pad_sequence" and _of_inputs(call)]
    if not padded or any(AWARE.search(ast.unparse(call)) for call in padded) or _pads_nothing(training):
        return
    for owner in training.module_classes:
        if AWARE.search(_without_idle_arguments(owner)):
            continue
        for call in (n for n in ast.walk(owner) if isinstance(n, ast.Call) and _is_recurrent(training, owner, n)):
            for read in _last_steps(training, call):
                yield Match(read, {"read": ast.unparse(read), "padded": ast.unparse(padded[0])}, padded[0])


def _pads_nothing(training: Training) -> bool:
    """Return whether the batches hold one row each, or rows that a sampler has put together."""
    loaders = [call for call in training.script.calls if called(call) == "DataLoader"]
    grouped = any(keyword(call, "batch_sampler") is not None for call in loaders)
    sizes = [keyword(call, "batch_size", 1) for call in loaders]
    return grouped or (bool(sizes) and all(size is None or constant(size) == 1 for size in sizes))


def _without_idle_arguments(owner: ast.ClassDef) -> str:
    """Return the text of a class without its arguments: lengths that no line reads keep no padding out."""
    methods = [n for n in owner.body if isinstance(n, ast.FunctionDef)]
    return "\n".join(ast.unparse(statement) for method in methods for statement in method.body)


def _of_inputs(call: ast.Call) -> bool:
    return bool(call.args) and not LABELS.search(ast.unparse(call.args[0]))


def _is_recurrent(training: Training, owner: ast.ClassDef, call: ast.Call) -> bool:
    """Return whether a call is of a recurrent layer of the class that reads one direction, of rows without lengths."""
    if not (isinstance(call.func, ast.Attribute) and is_self(call.func.value)):
        return False
    made = [
        training.made(value) for value in training.script.attribute_values(owner, call.func.attr) if value is not None
    ]
    layers = [layer for layer in made if layer is not None and called(layer) in RECURRENT]
    return bool(layers) and len(layers) == len(made) and all(_is_first(layer) for layer in layers)


def _is_first(layer: ast.Call) -> bool:
    """Return whether the batch comes first and one direction is read."""
    return constant(keyword(layer, "batch_first")) is True and not constant(keyword(layer, "bidirectional"))


def _last_steps(training: Training, call: ast.Call) -> Iterator[ast.Subscript]:
    """Yield where the outputs of a call are read at the last step, or its last state is read."""
    statement = training.script.parents.get(call)
    if isinstance(statement, ast.Subscript) and constant(statement.slice) == 0:
        read = training.script.parents.get(statement)
        yield from [read] if isinstance(read, ast.Subscript) and _is_last_step(read) else []
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Tuple):
        return
    scope = training.script.scope(statement)
    out, state = (*statement.targets[0].elts, None)[:2]
    for name in (target.id for target in (out,) if isinstance(target, ast.Name)):
        yield from (at for at in _parts(training, scope, name) if _is_last_step(at))
    states = state.elts[:1] if isinstance(state, ast.Tuple) else [state]
    for name in (target.id for target in states if isinstance(target, ast.Name)):
        yield from (at for at in _parts(training, scope, name) if constant(at.slice) == LAST)


def _parts(training: Training, scope: ast.AST, name: str) -> list[ast.Subscript]:
    around = [training.script.parents.get(use) for use in reads(scope, name)]
    return [part for part in around if isinstance(part, ast.Subscript)]


def _is_last_step(part: ast.Subscript) -> bool:
    """Return whether a part is `[:, -1]` or `[:, -1, :]`."""
    axes = part.slice.elts if isinstance(part.slice, ast.Tuple) else []
    return len(axes) > 1 and isinstance(axes[0], ast.Slice) and axes[0].upper is None and constant(axes[1]) == LAST
