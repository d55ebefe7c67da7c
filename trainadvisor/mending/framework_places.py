"""Where a script that trains by a framework holds what a finding is about, where the recorded line only trains.

A framework calls the model and the loss by itself: of the script there is `fit` or the line of the optimizer to record,
while the fault stands in the data, the model or a setting. Places that are shown for it come before the recorded one.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.log.framework_names import DISTRIBUTIONS, SETTING_CALLS
from trainadvisor.mending import framework_steps
from trainadvisor.mending.fault_places import named_values
from trainadvisor.mending.framework_holders import holders, settings
from trainadvisor.mending.project import imported_names
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.bindings import Binding
    from trainadvisor.source.training import Training

_FRAMEWORKS = frozenset({*DISTRIBUTIONS, "timm", "peft"})
# Calls that train, or that make what trains: of their lines nothing else is known.
_DRIVERS = frozenset({
    "fit", "train", "fit_one_cycle", "fine_tune", "fit_flat_cos", "run", "Learner", "tabular_learner", "vision_learner",
    *(name for names in SETTING_CALLS.values() for name in names if name.endswith("Trainer")),
    *SETTING_CALLS["skorch"],
})  # fmt: skip
# Findings whose recorded place is another line than the fault's even where that is no call of the framework.
_ELSEWHERE = frozenset({
    "lr-schedule", "stale-evaluated-copy", "grad-accumulation-scaling", "train-mode-in-eval", "frozen-parameters",
    "validation-leak", "vanishing-gradients", "saturated-activations", "template-without-marks",
    "accumulation-cleared", "temperature", "scheduler-step-count", "missing-zero-grad", "preprocessing-mismatch",
})  # fmt: skip
_HOLDERS, _holds = holders()
# Layers that end a model and change what it gives.
_ENDS = ("Softmax", "LogSoftmax", "Sigmoid", "ReLU", "Tanh")
# A temperature at which all samples are the same, and how many things are handed to `fit` as inputs and targets.
_COLD, _PAIR = 0.1, 2


def held_at(training: Training, code: str, line: int | None) -> list[ast.AST]:
    """Return the places that hold what a finding is about, none where its recorded line may."""
    hold = _HOLDERS.get(code) or framework_steps.HOLDERS.get(code)
    if hold is None or not _is_by_framework(training):
        return []
    drives = any(called(c) in _DRIVERS for c in training.script.calls if c.lineno <= (line or 0) <= (c.end_lineno or 0))
    return list(hold(training)) if drives or code in _ELSEWHERE else []


def _is_by_framework(training: Training) -> bool:
    nodes = training.script.of_type(ast.Import, ast.ImportFrom)
    names = [name for node in nodes for name in imported_names(node)]
    return not _FRAMEWORKS.isdisjoint(name.partition(".")[0] for name in names)


@_holds("unnormalized-inputs", "nan-inputs")
def _inputs(training: Training) -> Iterator[ast.AST]:
    """Yield where the inputs get their values: what a table's columns are put through, else what is handed over."""
    columns = [word for call in training.script.calls for word in call.keywords if word.arg == "procs"]
    scaled = [call for call in training.script.calls if _scales(training, call)]
    yield from columns or scaled or (binding.statement for binding in _given(training, 0))


def _scales(training: Training, call: ast.Call) -> bool:
    """Return whether a call makes an image processor of transformers that divides by 255, whatever it is given."""
    made = training.script.full(call.func).removesuffix(".from_pretrained")
    return made.endswith("ImageProcessor") and constant(keyword(call, "do_rescale")) is not False


@_holds("preprocessing-mismatch")
def _transforms(training: Training) -> Iterator[ast.AST]:
    """Yield transforms of pictures without Normalize where others of the script have it, as timm's own do."""
    made = [call for call in training.script.calls if called(call) in ("Compose", "create_transform")]
    plain = [call for call in made if called(call) == "Compose" and "Normalize" not in ast.unparse(call)]
    yield from plain if len(plain) < len(made) else ()


@_holds("loss-shape-broadcast")
def _judged(training: Training) -> Iterator[ast.AST]:
    """Yield a loss of torch that a learner of fastai is given, whose own ones flatten both sides; else the targets."""
    given = [word for word in settings(training, "loss_func") if not ast.unparse(word.value).endswith("Flat()")]
    yield from given or _targets(training)


@_holds("unnormalized-targets")
def _targets(training: Training) -> Iterator[ast.AST]:
    """Yield where the targets get their values."""
    yield from (binding.statement for binding in _given(training, 1))


@_holds("label-problem")
def _pairs(training: Training) -> Iterator[ast.AST]:
    """Yield where the labels get their values, or the inputs alone after them; else where a row is given its label."""
    inputs, labels = _given(training, 0), _given(training, 1)
    late = [b for b in inputs if all(b.line > other.line for other in labels)]
    yield from (binding.statement for binding in (late or labels))
    if not labels:
        yield from _labels(training)


@_holds("masked-labels", "padding-trained", "stop-token-masked", "label-shift", "prompt-not-masked")
def _labels(training: Training) -> Iterator[ast.AST]:
    """Yield what a row is given as its labels, first what names the number that is left out."""
    found = [place for name, _, place in named_values(training) if name in ("labels", "label")]
    yield from sorted(found, key=lambda place: "-100" not in ast.unparse(place))


@_holds("negatives-missing", "zero-gradients")
def _rejected(training: Training) -> Iterator[ast.AST]:
    """Yield the rejected answer of a preference that is the chosen one."""
    for node in training.script.of_type(ast.Dict):
        held = {constant(key): value for key, value in zip(node.keys, node.values, strict=True) if key is not None}
        chosen, rejected = held.get("chosen"), held.get("rejected")
        if chosen is not None and rejected is not None and ast.dump(chosen) == ast.dump(rejected):
            yield rejected


@_holds("target-leak")
def _columns(training: Training) -> Iterator[ast.AST]:
    """Yield the names of the columns that a model of a table is given."""
    yield from (*settings(training, "cont_names"), *settings(training, "cat_names"))


@_holds("softmax-before-cross-entropy", "wrong-output-activation")
def _last_layer(training: Training) -> Iterator[ast.AST]:
    """Yield the activation that ends a model made layer by layer."""
    for call in training.script.calls_by_name.get("Sequential", []):
        given = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else call.args
        last = given[-1] if given else None
        if isinstance(last, ast.Call) and called(last) in _ENDS:
            yield last
        elif isinstance(last, ast.Call):
            yield from (word for word in last.keywords if word.arg == "activation" and constant(word.value) is not None)


@_holds("preference-beta")
def _beta(training: Training) -> Iterator[ast.AST]:
    """Yield the setting of a preference training's beta."""
    yield from settings(training, "beta")


@_holds("preference-reference-wrong")
def _reference(training: Training) -> Iterator[ast.AST]:
    """Yield where the reference is made that is handed over."""
    for word in settings(training, "ref_model"):
        bound = training.script.reaching(word.value) if isinstance(word.value, ast.Name) else []
        yield from (binding.statement for binding in bound if binding.kind == "value")


@_holds("groups-without-spread")
def _rewards(training: Training) -> Iterator[ast.AST]:
    """Yield a temperature at which all samples are the same, else what the rewards return."""
    cold = [word for word in settings(training, "temperature") if _is_cold(constant(word.value))]
    named = {node.id for word in settings(training, "reward_funcs") for node in ast.walk(word.value)
             if isinstance(node, ast.Name)}  # fmt: skip
    given = [function for function in training.script.functions if function.name in named]
    yield from cold or (place for f in given for place in _returned(training, f))


def _returned(training: Training, function: ast.AST) -> Iterator[ast.AST]:
    """Yield what a function appends to the list that it returns, else its returns."""
    nodes = list(training.script.inside(function))
    returns = [n for n in nodes if isinstance(n, ast.Return)]
    filled = {f"{n.value.id}.append" for n in returns if isinstance(n.value, ast.Name)}
    appended = [n for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) in filled]
    yield from appended or returns


def _is_cold(value: object) -> bool:
    return isinstance(value, (int, float)) and value < _COLD


@_holds("data-empty")
def _lengths(training: Training) -> Iterator[ast.AST]:
    """Yield the setting that cuts texts, behind which nothing may be left."""
    yield from settings(training, "max_length", "max_seq_length")


@_holds("frozen-parameters", "loss-without-graph")
def _frozen(training: Training) -> Iterator[ast.AST]:
    """Yield what says that parameters are not trained."""
    yield from (word for word in settings(training, "inference_mode") if constant(word.value) is True)
    for node in training.script.of_type(ast.Assign):
        names = [target.attr for target in node.targets if isinstance(target, ast.Attribute)]
        if {"requires_grad", "trainable"} & set(names) and constant(node.value) is False:
            yield node
    for call in training.methods("requires_grad_"):
        if constant(keyword(call, "requires_grad", 0)) is False:
            yield call

    yield from (call for call in training.script.calls if _keeps_off(call))


def _keeps_off(call: ast.Call) -> bool:
    """Return whether a call of fastai or Lightning freezes, or one of peft adds or loads an adapter that alone trains.

    What peft adds leaves a new head off, unless it is told of a task that has one; what it loads is off as a whole.
    """
    if called(call) in ("freeze", "freeze_to"):
        return isinstance(call.func, ast.Attribute)
    if called(call) == "LoraConfig":
        heads = "CLS" in ast.unparse(keyword(call, "task_type") or call.func)
        return not heads and all(keyword(call, told) is None for told in ("modules_to_save", "inference_mode"))
    loads = called(call) == "from_pretrained" and ast.unparse(call.func).startswith("Peft")
    return loads and keyword(call, "is_trainable") is None


@_holds("index-out-of-range")
def _vocabulary(training: Training) -> Iterator[ast.AST]:
    """Yield what gives a tokenizer more words than the embedding has rows."""
    yield from (call for call in training.script.calls if called(call) in ("add_special_tokens", "add_tokens"))


@_holds("vanishing-gradients", "saturated-activations")
def _squashing(training: Training) -> Iterator[ast.AST]:
    """Yield the activations of hidden layers that squash: those before the last one, or made in a loop."""
    words = [word for word in settings(training, "activation") if constant(word.value) in ("sigmoid", "tanh")]
    yield from (word for word in words if word is not words[-1] or training.script.loops(word.value))


@_holds("template-without-marks")
def _template(training: Training) -> Iterator[ast.AST]:
    """Yield the template of chats, else the setting that asks for its marks."""
    templates = [place for name, _, place in named_values(training) if name == "chat_template"]
    yield from templates or settings(training, "assistant_only_loss")


def _given(training: Training, place: int) -> list[Binding]:
    """Return what gives its value to the first (inputs) or second (targets) tensor that is trained on."""
    fits = [call for call in training.methods("fit") if len(call.args) == _PAIR]
    calls = fits or training.script.calls_by_name.get("TensorDataset", [])[:1]
    for call in calls[:1]:
        value = call.args[place] if len(call.args) > place else None
        while isinstance(value, ast.Subscript):
            value = value.value
        if isinstance(value, ast.Name):
            bound = [b for b in training.script.reaching(value) if b.kind in ("value", "augmented")]
            return [b for binding in bound for b in _before_split(training, binding)]
    return []


def _before_split(training: Training, binding: Binding) -> list[Binding]:
    """Return what gave its values to what a binding takes from train_test_split(); else the binding."""
    split = binding.value
    whole = split.args if isinstance(split, ast.Call) and called(split) == "train_test_split" else []
    place = binding.path[0] // _PAIR if binding.path else len(whole)
    given = whole[place] if place < len(whole) else None
    before = training.script.reaching(given) if isinstance(given, ast.Name) else []
    return [b for b in before if b.kind in ("value", "augmented")] or [binding]
