"""Layers with weights that are made while the model computes: random in each call, and known to no optimizer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source import torch_names
from trainadvisor.source.syntax import is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

WEIGHTED = torch_names.LINEAR | {"LSTM", "GRU", "RNN", "Embedding", "BatchNorm1d", "BatchNorm2d", "LayerNorm",
                                 "MultiheadAttention", "GroupNorm"}  # fmt: skip


@pattern("layer", words=(("def forward",), ("nn.", "Linear")))
def layer_made_in_forward(training: Training) -> Iterator[Match]:
    """Yield weighted layers that forward makes and uses on the spot, or under a name of its own."""
    for call in training.script.calls:
        if torch_names.layer(training.script.full(call.func)) not in WEIGHTED or not _in_forward(training, call):
            continue
        outer = training.script.parents.get(call)
        while isinstance(outer, ast.Call) and call in outer.args:
            outer = training.script.parents.get(outer)
        used = isinstance(outer, ast.Call)
        named = (
            isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Name) and _only_called(training, outer)
        )
        kept = isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Attribute)
        unguarded = not any(isinstance(n, ast.If) for n in training.script.ancestors(call))
        if used or named or (kept and unguarded and is_self(outer.targets[0].value)):  # type: ignore[union-attr]
            yield Match(call, {"layer": ast.unparse(call.func)})


def _in_forward(training: Training, call: ast.Call) -> bool:
    owner = training.script.class_of(call)
    return training.forward_of(call) is not None and owner is not None and training.is_module_class(owner)


def _only_called(training: Training, assign: ast.Assign) -> bool:
    """Return whether a layer under a local name is only called."""
    name, function = ast.unparse(assign.targets[0]), training.script.function_of(assign)
    reads = (
        [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]
        if function
        else []
    )
    calls = [training.script.parents.get(n) for n in reads]
    return bool(reads) and all(isinstance(c, ast.Call) and c.func is n for c, n in zip(calls, reads, strict=True))
