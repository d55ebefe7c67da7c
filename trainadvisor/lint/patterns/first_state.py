"""The output of a recurrent layer at the first step, which has seen nothing of the rest."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, is_self, keyword
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

RECURRENT = frozenset({"LSTM", "GRU", "RNN"})


@pattern("read", "right", words=(("LSTM(", "GRU(", "RNN("), ("0]", "0,", "0 ,")))
def first_state_read(training: Training) -> Iterator[Match]:
    """Yield reads of the first step of a layer that goes through its rows from there, where no other step is read."""
    for owner in training.module_classes:
        for assign in (n for n in ast.walk(owner) if isinstance(n, ast.Assign)):
            layer = _layer(training, owner, assign.value)
            outputs = _outputs(assign)
            if layer is None or not outputs or _state_is_read(training, assign):
                continue
            batch_first = constant(keyword(layer, "batch_first", 4)) is True
            uses = _uses(training, assign, outputs)
            first = uses[0] if len(uses) == 1 else None
            number = _first(first, batch_first) if isinstance(first, ast.Subscript) else None
            if first is not None and number is not None:
                fix = (replaced(training.source, number, "-1"),)
                right = words_of(first).replace("0", "-1", 1)
                yield Match(first, {"read": words_of(first), "right": right}, assign, fix)


def _layer(training: Training, owner: ast.ClassDef, value: ast.expr) -> ast.Call | None:
    """Return the call that made the one-way recurrent layer which a call of the forward means."""
    func = value.func if isinstance(value, ast.Call) else None
    if not isinstance(func, ast.Attribute) or not is_self(func.value):
        return None
    kept = training.script.attribute_values(owner, func.attr)
    made = kept[0] if len(kept) == 1 else None
    if not isinstance(made, ast.Call) or called(made) not in RECURRENT or made.args[3:]:
        return None
    both = keyword(made, "bidirectional")
    return made if both is None or constant(both) is False else None


def _outputs(assign: ast.Assign) -> str:
    """Return the name of the outputs of all steps: out, (h, c) = self.lstm(x)."""
    target = assign.targets[0]
    first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else None
    return first.id if isinstance(first, ast.Name) else ""


def _state_is_read(training: Training, assign: ast.Assign) -> bool:
    """Return whether the last state is used as well."""
    target = assign.targets[0]
    rest = target.elts[1:] if isinstance(target, ast.Tuple) else []
    names = {n.id for part in rest for n in ast.walk(part) if isinstance(n, ast.Name)}
    scope = training.script.scope(assign)
    return any(isinstance(n, ast.Name) and n.id in names and isinstance(n.ctx, ast.Load) for n in ast.walk(scope))


def _uses(training: Training, assign: ast.Assign, name: str) -> list[ast.AST]:
    """Return what is done with the outputs in the function: parts that are read, or whole reads."""
    scope = training.script.scope(assign)
    read = [n for n in ast.walk(scope) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]
    parents = training.script.parents
    return [p if isinstance(p := parents[n], ast.Subscript) and p.value is n else n for n in read]


def _first(part: ast.Subscript, batch_first: bool) -> ast.expr | None:  # noqa: FBT001 - a fact of the layer
    """Return the 0 by which a part is the first step: out[:, 0] or out[:, 0, :], or out[0] where time is first."""
    index = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
    place = int(batch_first)
    rest = [*index[:place], *index[place + 1 :]]
    return index[place] if len(index) > place and constant(index[place]) == 0 and all(map(_is_whole, rest)) else None


def _is_whole(index: ast.expr) -> bool:
    return isinstance(index, ast.Slice) and index.lower is None and index.upper is None and index.step is None
