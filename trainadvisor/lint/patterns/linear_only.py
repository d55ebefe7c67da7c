"""Linear layers behind each other and nothing between them, in all of a model."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source import torch_names
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import assignments, called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

HARMLESS = torch_names.SHAPES | torch_names.PLAIN_LAYERS | {"size", "dim", "dropout", "len", "numel", "cat"}
MANY = 3


@pattern("layers", "model", words=(("Linear",),))
def missing_nonlinearity(training: Training) -> Iterator[Match]:
    """Yield models that are one linear map: every layer is linear, and the product could be a single one."""
    for call in training.script.calls:
        if training.script.full(call.func) == "torch.nn.Sequential" and training.script.class_of(call) is None:
            layers = training.operations.layers(call) or []
            linear = [_linear(training, layer) for layer in layers]
            plain = [n for n, layer in zip(linear, layers, strict=True) if n is None and not _is_plain(training, layer)]
            chain = [layer for layer in linear if layer is not None]
            if not plain and _redundant(chain) and not _part(training, call):
                yield Match(chain[1], {"layers": str(len(chain)), "model": "nn.Sequential"}, chain[0],
                            _between(training, layers, linear))  # fmt: skip
    for owner in training.module_classes:
        yield from _class(training, owner)


def _between(training: Training, layers: list[ast.expr], linear: list[ast.Call | None]) -> Fix | None:
    """Return the change that puts a ReLU behind each linear layer but the last."""
    made = [layer for layer, call in zip(layers, linear, strict=True) if call is not None]
    spans = []
    for layer in made[:-1]:
        name = layer.func if isinstance(layer, ast.Call) else None
        if not isinstance(name, ast.Attribute):
            return None
        text = training.source.segment(layer)
        spans.append(replaced(training.source, layer, f"{text}, {training.source.segment(name.value)}.ReLU()"))
    return tuple(spans)


def _around(training: Training, owner: ast.ClassDef, fed: list[ast.Call]) -> Fix | None:
    """Return the change that applies an activation to what each further layer is given: one of the class, or ReLU."""
    own = [
        target.attr
        for node in ast.walk(owner)
        for target, value in assignments(node)
        if isinstance(target, ast.Attribute) and isinstance(value, ast.Call)
        if torch_names.layer(training.script.full(value.func)) in torch_names.ACTIVATIONS
    ]
    name = f"self.{own[0]}" if own else "torch.relu"
    given = [call.args[0] for call in fed]
    return tuple(replaced(training.source, node, f"{name}({training.source.segment(node)})") for node in given)


def _linear(training: Training, layer: ast.expr) -> ast.Call | None:
    """Return the call that makes a linear layer, None for another layer."""
    made = training.operations.modules(layer)
    call = made[0] if len(made) == 1 else None
    return call if call is not None and training.script.full(call.func) == "torch.nn.Linear" else None


def _is_plain(training: Training, layer: ast.expr) -> bool:
    made = training.operations.modules(layer)
    name = torch_names.layer(training.script.full(made[0].func)) if len(made) == 1 and made[0] is not None else ""
    return name in torch_names.PLAIN_LAYERS


def _redundant(chain: list[ast.Call]) -> bool:
    """Return whether one layer could say the same: three and more, or two without a bottleneck between them."""
    if len(chain) >= MANY:
        return sum(constant(keyword(layer, "bias", 2)) is False for layer in chain) < len(chain) - 1
    if len(chain) < MANY - 1:
        return False
    sizes = [constant(keyword(chain[0], n, p)) for n, p in (("in_features", 0), ("out_features", 1))]
    sizes.append(constant(keyword(chain[1], "out_features", 1)))
    first, middle, last = (size if isinstance(size, int) else 0 for size in sizes)
    return 0 not in (first, middle, last) and middle >= min(first, last)


def _part(training: Training, call: ast.Call) -> bool:
    """Return whether a Sequential is only a part of something else."""
    parent = training.script.parents.get(call)
    return isinstance(parent, (ast.Call, ast.List, ast.Tuple, ast.Dict)) and called_or_none(parent) != "to"


def called_or_none(node: ast.AST) -> str:
    """Return the name of what a node calls, "" where it is no call."""
    return called(node) if isinstance(node, ast.Call) else ""


def _class(training: Training, owner: ast.ClassDef) -> Iterator[Match]:
    forward = next((n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name == "forward"), None)
    if forward is None or _used_inside(training, owner):
        return
    calls = [node for node in ast.walk(forward) if isinstance(node, ast.Call)]
    made = {call: training.operations.modules(call.func) for call in calls}
    linear = [
        (call, layers[0]) for call, layers in made.items() if len(layers) == 1 and _is_linear(training, layers[0])
    ]
    others = [call for call in calls if call not in dict(linear) and not _passes(training, call, made[call])]
    mixed = any(isinstance(node, (ast.BinOp, ast.For, ast.While, ast.ListComp)) for node in ast.walk(forward))
    if others or mixed or len(linear) < MANY - 1:
        return
    ordered = sorted(linear, key=lambda entry: (entry[0].lineno, -entry[0].col_offset))
    chain = [layer for _, layer in ordered if layer is not None]
    fed = [c for c, _ in ordered if c.args and training.operations.kinds(c.args[0]) == {"linear"}]
    if len(fed) == len(ordered) - 1 and (_redundant(chain) or _unused_activation(owner)):
        yield Match(fed[0], {"layers": str(len(linear)), "model": owner.name}, forward, _around(training, owner, fed))


def _is_linear(training: Training, layer: ast.Call | None) -> bool:
    return layer is not None and training.script.full(layer.func) == "torch.nn.Linear"


def _passes(training: Training, call: ast.Call, made: list[ast.Call | None]) -> bool:
    names = [torch_names.layer(training.script.full(m.func)) for m in made if m is not None]
    return called(call) in HARMLESS if not made else bool(names) and set(names) <= torch_names.PLAIN_LAYERS


def _unused_activation(owner: ast.ClassDef) -> bool:
    """Return whether the class makes an activation that forward never calls."""
    calls = (node for node in ast.walk(owner) if isinstance(node, ast.Call))
    return any(called(call) in torch_names.ACTIVATIONS for call in calls)


def _used_inside(training: Training, owner: ast.ClassDef) -> bool:
    """Return whether the class is a part of another module, such as an adapter."""
    calls = training.script.calls_by_name.get(owner.name, [])
    return any(training.script.class_of(call) is not None for call in calls)
