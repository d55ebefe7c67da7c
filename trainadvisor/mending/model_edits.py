"""Changes of a model and its optimizer: activations, initial weights, the class of the optimizer and what it trains."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from trainadvisor.lint.patterns.optimizer_order import optimizer_param_mismatch
from trainadvisor.mending.names import area_of, model_name
from trainadvisor.source import torch_names
from trainadvisor.source.edits import before, replaced, unwrapped, with_argument, without, without_argument
from trainadvisor.source.given_parameters import given_parameters
from trainadvisor.source.syntax import called, constant, is_self, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix, Span
    from trainadvisor.source.operations import Operation
    from trainadvisor.source.training import Training

Arguments = dict[str, Any]
DRAWN = {
    "he": 'kaiming_normal_(layer.weight, nonlinearity="relu")',
    "xavier": "xavier_uniform_(layer.weight)",
    "orthogonal": "orthogonal_(layer.weight)",
}
CLASSES = {"relu": "ReLU", "gelu": "GELU", "tanh": "Tanh", "leaky_relu": "LeakyReLU"}
FUNCTIONS = {"relu": "relu", "gelu": "nn.functional.gelu", "tanh": "tanh", "leaky_relu": "nn.functional.leaky_relu"}
SQUASHING = frozenset({"softmax", "log_softmax", "sigmoid", "log_sigmoid"})
SATURATING = frozenset({"sigmoid", "tanh"})


def without_activation(training: Training, arguments: Arguments) -> Fix | None:
    """Take the last activation of the model away, where the losses that are trained on see only one."""
    del arguments
    ends = [end for loss in training.losses for end in training.operations.ends(loss.input)]
    ends = ends if training.losses else _ends_of_classes(training)
    nodes = dict.fromkeys(end.node for end in ends if end.kind in torch_names.ACTIVATIONS.values())
    if len(nodes) != 1 or len({end.node for end in ends}) != 1:
        return None
    end, parent = ends[0], training.script.parents.get(ends[0].node)
    if isinstance(end.node, ast.Call) and end.before is not None:
        return (unwrapped(training.source, end.node, end.before),)
    if isinstance(parent, ast.Call) and called(parent) == "Sequential" and isinstance(end.node, ast.expr):
        span = without_argument(training.source, parent, end.node)
        return (span,) if span else None
    return None


def _ends_of_classes(training: Training) -> list[Operation]:
    """Return the activations that the models of a file without losses end with, of those that no other one calls."""
    ends = []
    for owner in training.module_classes:
        forward = training.script.method(owner, "forward")
        used = any(training.script.class_of(c) is not None for c in training.script.calls_by_name.get(owner.name, []))
        returned = [n.value for n in training.script.inside(forward) if isinstance(n, ast.Return)] if forward else []
        if not used:
            ends += [end for value in returned if value is not None for end in training.operations.ends(value)]
    return [end for end in ends if end.kind in SQUASHING]


def activation(training: Training, arguments: Arguments) -> Fix | None:
    """Exchange the sigmoids and tanhs between the layers, not at the end; weights are drawn as a ReLU needs them."""
    to = str(arguments.get("to", "relu"))
    if to not in CLASSES:
        return None
    ends = {end.node for loss in training.losses for end in training.operations.ends(loss.input)}
    spans = [*_classes(training, CLASSES[to], ends), *_functions(training, FUNCTIONS[to], ends)]
    drawn = init(training, {"to": "he"}) if to == "relu" and spans else None
    return (*spans, *(drawn or ())) or None


def _classes(training: Training, to: str, ends: set[ast.AST]) -> Iterator[Span]:
    """Yield the changes of the names of layers, called at once or kept under another name."""
    script = training.script
    for node in script.of_type(ast.Attribute, ast.Name):
        name = torch_names.layer(script.full(node))
        is_inner = isinstance(node, ast.Attribute) and isinstance(script.parents.get(node), ast.Attribute)
        if torch_names.ACTIVATIONS.get(name) not in SATURATING or is_inner or script.parents.get(node) in ends:
            continue
        yield replaced(training.source, node, f"{area_of(training, node)}.{to}")


def _functions(training: Training, to: str, ends: set[ast.AST]) -> Iterator[Span]:
    """Yield the changes of functions in the forwards that use one kind alone: gates use both."""
    script = training.script
    found: dict[ast.AST, list[ast.Call]] = {}
    for call in script.calls:
        full, forward = script.full(call.func), training.forward_of(call)
        named = full.rpartition(".")[0] in ("torch", "torch.nn.functional")
        if forward is not None and named and torch_names.FUNCTIONS.get(called(call)) in SATURATING:
            found.setdefault(forward, []).append(call)
    for calls in found.values():
        if len({called(call) for call in calls}) == 1:
            yield from (replaced(training.source, call.func, f"torch.{to}") for call in calls if call not in ends)


def init(training: Training, arguments: Arguments) -> Fix | None:
    """Draw the weights anew before the optimizer is made."""
    drawn, model = DRAWN.get(str(arguments.get("to"))), model_name(training)
    statements = [training.script.statement(made) for made in training.optimizers]
    if drawn is None or model is None or len(statements) != 1 or statements[0] is None:
        return None
    return before(
        training.source,
        statements[0],
        f"for layer in {model}.modules():",
        "    if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):",
        f"        torch.nn.init.{drawn}",
        "        if layer.bias is not None:",
        "            torch.nn.init.zeros_(layer.bias)",
    )


def optimizer(training: Training, arguments: Arguments) -> Fix | None:
    """Make an optimizer of another class, of the same parameters."""
    to, rate = arguments.get("to"), arguments.get("lr")
    calls = training.optimizers
    if len(calls) != 1 or to not in torch_names.OPTIMIZERS or not isinstance(rate, (int, float)):
        return None
    call = calls[0]
    given = keyword(call, "params", 0)
    area = area_of(training, call.func)
    if given is None or not area:
        return None
    return (replaced(training.source, call, f"{area}.{to}({training.source.segment(given)}, lr={rate:.3g})"),)


def parameters(training: Training, arguments: Arguments) -> Fix | None:
    """Give the optimizer every parameter of the only model, where what it is given is set."""
    del arguments
    calls = training.optimizers
    early = list(optimizer_param_mismatch(training))
    if early:
        return next((match.fix for match in early if match.fix), None)
    found = [given for call in calls if (given := keyword(call, "params", 0)) is not None]
    texts = {ast.unparse(given) for given in found}
    if not found or len(texts) != 1:
        return None
    given = found[0]
    origin = training.values.single(given)
    set_at = origin if origin is not None else given
    model = _whole_of(training, set_at) or _root_of_parameters(set_at) or _called_model(training)
    if model is None or any(model == held.owner for held in given_parameters(training, calls[0])):
        return None  # all that asks for gradients is given already
    spans = [replaced(training.source, set_at, f"{model}.parameters()")]
    groups = _group_rates(training)
    if len(calls) == 1 and keyword(calls[0], "lr", 1) is None and groups:
        span = with_argument(training.source, calls[0], "lr", groups[-1], None)
        spans += [span] if span else []
    return tuple(spans)


def _whole_of(training: Training, given: ast.expr) -> str | None:
    """Return the model that the part whose parameters are given was put into, where it is made before them."""
    part, script = _root_of_parameters(given), training.script
    own = {owner.name for owner in training.module_classes}
    made = [s for s in script.of_type(ast.Assign) if isinstance(s.value, ast.Call) and called(s.value) in own]
    holding = {
        ast.unparse(s.targets[0])
        for s in made
        if s.lineno < given.lineno and script.scope(s) is script.scope(given)
        and any(ast.unparse(value) == part for value in ast.walk(s.value) if isinstance(value, ast.Name))
    }  # fmt: skip
    return next(iter(holding)) if len(holding) == 1 else None


def _root_of_parameters(given: ast.expr) -> str | None:
    """Return the model of which some part's parameters are given."""
    if not isinstance(given, ast.Call) or called(given) != "parameters" or not isinstance(given.func, ast.Attribute):
        return None
    root: ast.expr = given.func.value
    while isinstance(root, (ast.Attribute, ast.Subscript)):
        if isinstance(root, ast.Attribute) and is_self(root.value):
            return ast.unparse(root)
        root = root.value
    return root.id if isinstance(root, ast.Name) else None


def unfrozen(training: Training, arguments: Arguments) -> Fix | None:
    """Take the only statement away that freezes parameters, and with it a loop that does nothing else."""
    del arguments
    found = [node for node in training.script.of_type(ast.Assign) if _freezes(node)]
    if len(found) != 1:
        return None
    statement: ast.stmt = found[0]
    parent = training.script.parents.get(statement)
    while isinstance(parent, ast.For) and len(parent.body) == 1 and not parent.orelse:
        statement, parent = parent, training.script.parents.get(parent)
    block = training.block(statement)
    return without(training.source, statement, block) if block else None


def _freezes(node: ast.Assign) -> bool:
    target = node.targets[0]
    return isinstance(target, ast.Attribute) and target.attr == "requires_grad" and constant(node.value) is False


def _called_model(training: Training) -> str | None:
    """Return the name of the only model that is called with data where a loss is computed."""
    names = set()
    for loss in training.losses:
        origin = training.values.single(loss.input)
        if isinstance(origin, ast.Call) and isinstance(origin.func, (ast.Name, ast.Attribute)):
            names.add(ast.unparse(origin.func))
    return next(iter(names)) if len(names) == 1 else None


def _group_rates(training: Training) -> list[str]:
    """Return the rates of groups of parameters, as they are written."""
    entries = [node for node in training.script.of_type(ast.Dict) if _entry(node, "params") is not None]
    rates = [_entry(node, "lr") for node in entries]
    return [training.source.segment(rate) for rate in rates if rate is not None]


def _entry(node: ast.Dict, name: str) -> ast.expr | None:
    pairs = zip(node.keys, node.values, strict=True)
    return next((v for k, v in pairs if isinstance(k, ast.Constant) and k.value == name), None)
