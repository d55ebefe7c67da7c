"""Second places of a fault, shown beside the first: where the value comes from that is wrong there."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from trainadvisor.mending.steep_operations import steep_operations
from trainadvisor.source.syntax import assignments, called, constant

if TYPE_CHECKING:
    from trainadvisor.source.training import Training

Show = Callable[["Training"], Iterator[ast.AST]]
# Where else a fault stands in a script, by the code of its rule.
PLACES: dict[str, Show] = {}
# As many places as say where to look.
FEW = 3
LAYERS = ("Linear", "Conv1d", "Conv2d", "Conv3d")
ELEMENTWISE = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
               "binary_cross_entropy_with_logits")  # fmt: skip

# How scripts call the token that ends a text.
END = re.compile(r"eos|end_?of_?text|</s>", re.IGNORECASE)


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
def nan_gradients(training: Training) -> Iterator[ast.AST]:
    """Yield the operations whose slope may have been infinite, where they are few."""
    found = [node for node, _ in steep_operations(training)]
    yield from found if len(found) <= FEW else ()


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


@shows
def stop_token_masked(training: Training) -> Iterator[ast.AST]:
    """Yield where padding is given the token that ends a text."""
    for name, value, place in named_values(training):
        if name in ("pad_token", "pad_token_id") and END.search(ast.unparse(value)):
            yield place


@shows
def label_shift(training: Training) -> Iterator[ast.AST]:
    """Yield where labels are made of ids that are moved by some places."""
    for name, value, place in named_values(training):
        if "label" in name.lower() and any(map(_moves, ast.walk(value))):
            yield place


@shows
def scheduler_step_count(training: Training) -> Iterator[ast.AST]:
    """Yield what tells Lightning how often to step a schedule: the interval, without one what hands it over."""
    for function in training.script.functions:
        if function.name == "configure_optimizers":
            inside = list(training.script.inside(function))
            keys = [key for node in inside if isinstance(node, ast.Dict) for key in node.keys if key is not None]
            told = [key for key in keys if constant(key) == "interval"]
            yield from told or (node for node in inside if isinstance(node, ast.Return))


@shows
def lr_schedule(training: Training) -> Iterator[ast.AST]:
    """Yield where the script itself gives a parameter group its rate."""
    yield from rates_by_hand(training)


def rates_by_hand(training: Training) -> list[ast.AST]:
    """Return the statements that set the entry "lr" of something, as schedules written by hand do."""
    given = [(node, target) for node in training.script.of_type(ast.Assign) for target in node.targets]
    changed = [(node, node.target) for node in training.script.of_type(ast.AugAssign)]
    return [
        node
        for node, target in (*given, *changed)
        if isinstance(target, ast.Subscript) and constant(target.slice) == "lr"
    ]


@shows
def unshuffled_data(training: Training) -> Iterator[ast.AST]:
    """Yield what splits rows in their order: Keras's share for validation, scikit-learn's split without a shuffle."""
    for call in training.script.calls:
        for word in call.keywords:
            in_order = called(call) == "train_test_split" and word.arg == "shuffle" and constant(word.value) is False
            if in_order or (called(call) == "fit" and word.arg == "validation_split"):
                yield word


def named_values(training: Training) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    """Yield each name that a script gives a value, the value, and what shows both: in statements, calls and dicts."""
    for node in training.script.nodes:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from ((_last_name(target), value, node) for target, value in assignments(node) if value is not None)
        elif isinstance(node, ast.keyword) and node.arg is not None:
            yield node.arg, node.value, node
        elif isinstance(node, ast.Dict):
            held = zip(node.keys, node.values, strict=True)
            yield from ((str(constant(key)), value, value) for key, value in held if constant(key) is not None)


def _last_name(target: ast.expr) -> str:
    """Return what a target is called: an attribute, a key, or the name of what is written into."""
    if isinstance(target, ast.Subscript):
        key = constant(target.slice)
        return key if isinstance(key, str) else _last_name(target.value)
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def _moves(node: ast.AST) -> bool:
    """Return whether a node takes a sequence without its first or last places, or rolls it."""
    if isinstance(node, ast.Slice) and node.step is None:
        first, last = constant(node.lower), constant(node.upper)
        return (isinstance(first, int) and first > 0) or (isinstance(last, int) and last < 0)
    return isinstance(node, ast.Call) and called(node) == "roll"
