"""Second places of a fault, shown beside the first: where the value comes from that is wrong there."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from trainadvisor.source.training import Training

Show = Callable[["Training"], Iterator[ast.AST]]
# Where else a fault stands in a script, by the code of its rule.
PLACES: dict[str, Show] = {}
LAYERS = ("Linear", "Conv1d", "Conv2d", "Conv3d")
ELEMENTWISE = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
               "binary_cross_entropy_with_logits")  # fmt: skip


def shows(show: Show) -> Show:
    """Declare the further places of the fault whose rule the function is called like."""
    PLACES[show.__name__.replace("_", "-")] = show
    return show


@shows
def loss_shape_broadcast(training: Training) -> Iterator[ast.AST]:
    """Yield where the forward of the model returns the outputs that have an axis too many."""
    for loss in training.losses:
        made = training.values.single(loss.input) if loss.name in ELEMENTWISE else None
        modules = training.operations.modules(made.func) if isinstance(made, ast.Call) else []
        for module in modules:
            owner = training.script.classes.get(called(module)) if module is not None else None
            forward = training.script.method(owner, "forward")
            yield from (n for n in ast.walk(forward) if isinstance(n, ast.Return)) if forward is not None else ()


@shows
def poor_initialization(training: Training) -> Iterator[ast.AST]:
    """Yield where the weights are drawn that are: by a function of torch.nn.init, else where the layers are made."""
    drawn = [c for c in training.script.calls if training.script.full(c.func).startswith("torch.nn.init.")]
    lists = [c for c in training.script.calls_by_name.get("ModuleList", []) if _holds_layers(training, c)]
    layers = [c for c in training.script.calls if _is_layer(training, c)]
    yield from (drawn or lists or layers)[:1]


def _is_layer(training: Training, call: ast.Call) -> bool:
    return called(call) in LAYERS and training.script.full(call.func).startswith("torch.nn.")


def _holds_layers(training: Training, call: ast.Call) -> bool:
    return any(isinstance(node, ast.Call) and _is_layer(training, node) for node in ast.walk(call))


@shows
def eval_mode_in_training(training: Training) -> Iterator[ast.AST]:
    """Yield the calls of eval(), whose mode stays until train() is called."""
    yield from (call for call in training.methods("eval") if not call.args and not call.keywords)


@shows
def prompt_not_masked(training: Training) -> Iterator[ast.AST]:
    """Yield where labels are made as a copy of the ids, with those of the prompt."""
    for node in training.script.of_type(ast.Assign):
        is_copy = isinstance(node.value, ast.Call) and called(node.value) in ("clone", "copy", "deepcopy")
        if is_copy and any("label" in ast.unparse(target).lower() for target in node.targets):
            yield node


@shows
def target_network_stale(training: Training) -> Iterator[ast.AST]:
    """Yield the conditions under which the weights of one model are given to another, and where these are computed."""
    for call in training.methods("load_state_dict"):
        if not call.args or not isinstance(call.args[0], ast.Call) or called(call.args[0]) != "state_dict":
            continue
        tests = [node.test for node in training.script.ancestors(call) if isinstance(node, ast.If)]
        names = [node for test in tests for node in ast.walk(test) if isinstance(node, ast.Name)]
        bound = [b for name in names for b in training.script.reaching(name) if b.kind in ("value", "augmented")]
        near = [b.statement for b in bound if training.script.scope(b.statement) is training.script.scope(call)]
        yield from [*tests, *near]
