"""One model that is trained through all folds of a cross-validation, and so knows what later folds hold out."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SPLITTERS = frozenset({"KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold", "RepeatedKFold",
                       "RepeatedStratifiedKFold", "LeaveOneOut", "LeaveOneGroupOut"})  # fmt: skip
# Calls by which a model may be made or put back.
RENEWS = re.compile(
    r"model|net(work)?($|_)|build|create|make|init|reset|clone|copy|load|setup|restore|apply$|set_weights",
    re.IGNORECASE,
)
# Classes whose objects hold no model of their own.
WITHOUT_MODEL = re.compile(
    r"Loader|Dataset|Subset|Sampler|Scaler|Fold|LR$|Scheduler|Loss$|Meter|Writer|Stopping|^(SGD|Adam\w*|RMSprop)$|"
    r"Plateau|Accuracy|Score|Counter|Path|DataFrame|Tensor|Sequence|Metric"
)
# What makes a tensor that is trained by itself, and methods that only models have.
GRADIENT = frozenset({"Parameter", "requires_grad_"})
# Calls by which a framework trains a model that it is given, or one that is a model of the framework itself.
FITS = frozenset({"fit", "train", "fit_one_cycle", "fine_tune", "fit_flat_cos"})
GIVEN_MODEL = re.compile(r"^(transformers|trl|lightning|pytorch_lightning)\.(.*\.)?\w*Trainer$")
OWN_MODEL = re.compile(r"^(keras|tensorflow\.keras|fastai)\.")
OF_MODELS = frozenset({"parameters", "named_parameters", "train", "eval", "state_dict"})


@pattern("loop", words=(("Fold", "LeaveOne"), ("backward(", ".fit", ".train(", ".fine_tune(")))
def folds_share_model(training: Training) -> Iterator[Match]:
    """Yield loops over the folds of a splitter that train and never make or put back a model."""
    for loop in training.script.of_type(ast.For):
        made = _splitter(training, loop.iter)
        if made is None or _is_single(made) or _ends_at_once(loop):
            continue
        if _skips_folds(training, loop):
            continue
        nodes = [node for statement in loop.body for node in training.reached(statement)]
        trains = any(node in training.backward_set or _fits(training, loop, node) for node in nodes)
        renewed = any(_may_renew(training, node) for node in nodes if isinstance(node, ast.Call))
        if trains and not renewed and not _binds_trained(training, nodes):
            yield Match(loop, {"loop": f"for {words_of(loop.target)} in {words_of(loop.iter)}"}, made)


def _splitter(training: Training, iterated: ast.expr) -> ast.Call | None:
    """Return what made the folds that a loop goes through: of splitter.split(...), numbered or listed."""
    while isinstance(iterated, ast.Call) and called(iterated) in ("enumerate", "list", "tqdm") and iterated.args:
        iterated = iterated.args[0]
    split = iterated if isinstance(iterated, ast.Call) else training.made(iterated)
    if split is None or called(split) != "split" or not isinstance(split.func, ast.Attribute):
        return None
    made = training.made(split.func.value)
    return made if made is not None and called(made) in SPLITTERS else None


def _is_single(made: ast.Call) -> bool:
    return constant(keyword(made, "n_splits", 0)) == 1


def _ends_at_once(loop: ast.For) -> bool:
    """Return whether only the first fold is used."""
    return any(isinstance(s, (ast.Break, ast.Return)) for s in loop.body)


def _skips_folds(training: Training, loop: ast.For) -> bool:
    """Return whether a condition on the fold leaves others out: if fold != args.fold: continue."""
    names = names_in(loop.target)
    for branch in (s for s in loop.body if isinstance(s, ast.If) and names_in(s.test) & names):
        inner = [node for statement in branch.body for node in training.reached(statement)]
        if any(isinstance(n, (ast.Continue, ast.Break)) or n in training.backward_set for n in inner):
            return True
    return False


def _fits(training: Training, loop: ast.For, node: ast.AST) -> bool:
    """Return whether a call has a framework go on training a model that was made before the loop."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in FITS:
        return False
    made = training.made(node.func.value)
    if made is None:
        return False
    if _is_given_a_model(training, made):
        model = keyword(made, "model", 0) if node.func.attr == "train" else keyword(node, "model", 0)
        made = training.made(model) if model is not None else None
        return isinstance(model, ast.Name) and (made is None or loop not in training.script.loops(made))
    return loop not in training.script.loops(made) and _is_own_model(training, made)


def _is_given_a_model(training: Training, made: ast.Call) -> bool:
    """Return whether a call makes a trainer that trains the model which it, or its method, is given."""
    return GIVEN_MODEL.search(training.script.full(made.func)) is not None and keyword(made, "model_init") is None


def _is_own_model(training: Training, made: ast.Call) -> bool:
    """Return whether a call makes a model of Keras or a learner of fastai, or one of a class of the script."""
    owner = training.script.classes.get(called(made))
    bases = [training.script.full(base) for base in owner.bases] if owner is not None else []
    return any(OWN_MODEL.search(name) for name in (training.script.full(made.func), *bases))


def _binds_trained(training: Training, nodes: list[ast.AST]) -> bool:
    """Return whether a round binds what it trains: a model from a list or a factory, a tensor with a gradient."""
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    if any(called(c) in GRADIENT or constant(keyword(c, "requires_grad")) is True for c in calls):
        return True
    trained = {c.func.id for c in calls if isinstance(c.func, ast.Name)}
    trained |= {words_of(c.func.value) for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr in OF_MODELS}
    for node in (n for n in nodes if isinstance(n, (ast.Assign, ast.AnnAssign)) and n.value is not None):
        plain = isinstance(node.value, (ast.Name, ast.Attribute))
        without = isinstance(node.value, ast.Call) and (
            WITHOUT_MODEL.search(called(node.value)) or _is_given_a_model(training, node.value)
        )
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        bound = {words_of(n) for t in targets for n in ast.walk(t) if isinstance(n, (ast.Name, ast.Attribute))}
        if bound & trained and not plain and not without:
            return True
    return False


def _may_renew(training: Training, call: ast.Call) -> bool:
    """Return whether a call may make a model, give one back or put its weights back."""
    name, full = called(call), training.script.full(call.func)
    if name[:1].isupper():
        return not WITHOUT_MODEL.search(name) and not _is_given_a_model(training, call) and not _is_setting(full)
    if full.startswith(("torch.", "numpy.", "sklearn.")) and name not in ("load", "deepcopy"):
        return full.startswith("torch.nn.init")
    own = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, (ast.Name, ast.Attribute))
    scaled = own and re.search(r"scal|encod|^sc$|^ss$|pca|imput", words_of(call.func.value), re.IGNORECASE)  # type: ignore[attr-defined]
    known = bool(training.called_functions(call)) and not re.search(r"load|reset|init", name)
    builds = known and not any(_returns_model(training, f) for f in training.called_functions(call))
    given = [a for a in call.args if isinstance(a, ast.Name)]
    plain = name in ("item", "append", "step", "zero_grad", "backward", "train", "eval") or (builds and bool(given))
    return not plain and not scaled and RENEWS.search(name) is not None and not _is_model(training, call)


def _is_setting(full: str) -> bool:
    """Return whether a class of a framework holds settings, puts batches together or is called back."""
    known = full.startswith(("transformers.", "trl.", "lightning.", "pytorch_lightning.", "keras.", "fastai."))
    return known and re.search(r"(Arguments|Config|Callback|Checkpoint|Collator\w*|Padding|Logger)$", full) is not None


def _returns_model(training: Training, function: ast.AST) -> bool:
    """Return whether what a function makes holds a layer of torch or a module of the script."""
    modules = {owner.name for owner in training.module_classes}
    calls = [n for n in ast.walk(function) if isinstance(n, ast.Call)]
    return any(called(c) in modules or training.script.full(c.func).startswith("torch.nn.Sequential") for c in calls)


def _is_model(training: Training, call: ast.Call) -> bool:
    """Return whether a call is the forward of a model: what is called was made by a call, outside of it."""
    if not isinstance(call.func, ast.Name) or training.called_functions(call):
        return False
    return bool(training.script.reaching(call.func)) and bool(call.args)
