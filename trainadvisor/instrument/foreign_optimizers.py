"""What frameworks have of their own: optimizers, epochs and saved weights, told like torch's, and their evaluations.

A stand-in of torch's class holds the parameters and rates of such an optimizer. The frameworks are patched once they
are imported, which is looked for when a model is made and when a backward begins: before no optimizer has stepped.
"""

import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch

from trainadvisor.instrument import call_sites, taps
from trainadvisor.instrument.foreign_clips import keras_clip, keras_norm
from trainadvisor.instrument.foreign_losses import keras_loss, timm_loss
from trainadvisor.instrument.fused_losses import fused_head, fused_loss
from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.patching import Around, graft
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.interruptions import unless_it_fails

Groups = Callable[[Any], list[dict[str, Any]]]
_stand_ins: WeakKeyDictionary[Any, torch.optim.Optimizer] = WeakKeyDictionary()
_running: list[object] = []


def tap() -> list[Callable[[], None]]:
    """Patch the frameworks that are imported by now; return the calls that undo it."""
    undo = []
    for module, functions in _FUNCTIONS.items():
        if (home := _imported(module)) is not None:
            for path, around in functions:
                with suppress(AttributeError, TypeError):  # of another version, or compiled
                    undo.append(graft(_find(home, path), around))
    return undo


def imported() -> int:
    """Return how many of the frameworks are imported."""
    return sum(_imported(module) is not None for module in _FUNCTIONS)


def _imported(name: str) -> object:
    """Return a module that is there as a whole: layers are made while others are still being imported."""
    module = sys.modules.get(name)
    return None if getattr(getattr(module, "__spec__", None), "_initializing", False) else module


def stand_in(optimizer: Any, groups: Groups) -> torch.optim.Optimizer:
    """Return the stand-in of an optimizer, with its groups as they are now."""
    made = _stand_ins.get(optimizer)
    if made is None:
        kind = type(_class_of(optimizer), (torch.optim.Optimizer,), {"__module__": type(optimizer).__module__})
        made = cast("torch.optim.Optimizer", object.__new__(kind))
        made.defaults, made.state = {}, defaultdict(dict)
        _stand_ins[optimizer] = made
    made.param_groups = groups(optimizer)
    return made


def _class_of(optimizer: Any) -> str:
    """Return the name of an optimizer's class; of fastai's, which are one class, torch's name for its last callback."""
    steps = [getattr(callback, "__name__", "") for callback in getattr(optimizer, "cbs", ())]
    name = _STEPS.get(steps[-1]) if steps else None
    return "AdamW" if name == "Adam" and "weight_decay" in steps else name or type(optimizer).__name__


def standing_for(thing: Any) -> torch.optim.Optimizer | None:
    """Return the stand-in of an optimizer of Keras or fastai, which may not know its parameters yet; else None."""
    for module, kind, groups in _KINDS:
        home = sys.modules.get(module)
        if home is not None and isinstance(thing, getattr(home, kind)):
            return stand_in(thing, groups)
    return None


def _find(home: Any, path: str) -> Any:
    for name in path.split("."):
        home = getattr(home, name)
    return home


def _stepping(groups: Groups) -> Around:
    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if _running:  # a wrapper's inner optimizer
            return original(*args, **kwargs)
        _running.append(args[0])
        try:
            _step_begins(args[0], groups)
            result = original(*args, **kwargs)
        finally:
            _running.pop()
        _step_ends(args[0], groups)
        return result

    return veiled(around)


def _zeroing(groups: Groups) -> Around:
    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = original(*args, **kwargs)
        made = _guarded(args[0], groups)
        if made is not None:
            _cleared(made)
        return result

    return veiled(around)


@veiled
def _cleared(made: torch.optim.Optimizer) -> None:
    plan = slot.plan
    if plan is not None:
        if id(made) == plan.key and taps.taken(plan, "zero_grad"):
            return
        plan.leave()
    taps.cleared((made,), {}, None)


@veiled
def _step_begins(optimizer: object, groups: Groups) -> None:
    if slot.printed:
        slot.look()
    plan = slot.plan
    if plan is not None:
        made = unless_it_fails(_planned, optimizer, groups)
        if made is not None and taps.taken(plan, "step_begins", made):
            return
        plan.leave()
    made = _guarded(optimizer, groups)
    if made is not None:
        taps.step_begins(made, False)  # noqa: FBT003 - whether there is a closure


@veiled
def _step_ends(optimizer: Any, groups: Groups) -> None:
    known = None if slot.now is None else _stand_ins.get(optimizer)  # in a plain step it is as it was at the beginning
    made = known or _guarded(optimizer, groups)
    if made is not None and not (slot.plan is not None and taps.taken(slot.plan, "step_ends", made)):
        taps.step_ends(made)


def _planned(optimizer: Any, groups: Groups) -> torch.optim.Optimizer | None:
    """Return the stand-in with its rates as they are now, where all else of it is as it was."""
    made = _stand_ins.get(optimizer)
    if made is None or groups is not _keras_groups:
        return None
    group, variables, rate = made.param_groups[0], optimizer._trainable_variables, optimizer.learning_rate
    rate = getattr(rate, "value", rate)
    if type(rate) in (torch.Tensor, torch.nn.Parameter):
        rate = rate.item() if rate.is_cpu else None  # a plan is for models of the CPU
    if len(variables) != len(group["params"]) or type(rate) is not float:
        return None
    group["lr"] = rate
    return made


def _guarded(optimizer: object, groups: Groups) -> torch.optim.Optimizer | None:
    """Return the stand-in, None where this version of the framework keeps its parameters and rates elsewhere."""
    return unless_it_fails(_announced, optimizer, groups)


def _announced(optimizer: object, groups: Groups) -> torch.optim.Optimizer:
    known = optimizer in _stand_ins
    made = stand_in(optimizer, groups)
    if not known:
        taps.tell("made", made, _place(type(made).__name__))
    return made


def _place(kind: str) -> call_sites.Place | None:
    """Return the line that makes an optimizer of a class, searched in the file that trains; else the call of that."""
    place = call_sites.user_place(2)
    found = call_sites.constructor_line(place[0], kind, place[1]) if place else None
    return (place[0], found) if place and found else place


def _epoch(number: Callable[..., int]) -> Around:
    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        taps.tell("epoch_begins", number(*args, **kwargs))
        return original(*args, **kwargs)

    return veiled(around)


def _evaluated(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = original(*args, **kwargs)
    if isinstance(result, dict):
        taps.tell("reported_evaluation", dict(result))
    return result


# What a trainer of policies logs, and our names for it.
_REWARDS = {"reward": "reward", "frac_reward_zero_std": "groups_without_spread"}


def _logged(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = original(*args, **kwargs)
    figures = next((part for part in (*args, *kwargs.values()) if isinstance(part, dict)), {})
    if "reward" in figures:
        taps.tell("reported_rewards", {ours: figures[name] for name, ours in _REWARDS.items() if name in figures})
    return result


def _loaded(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = original(*args, **kwargs)
    module = next((part for part in (*args, *kwargs.values()) if isinstance(part, torch.nn.Module)), None)
    if module is not None:
        told = result[0] if isinstance(result, tuple) else result
        taps.tell("weights_loaded", module, frozenset(getattr(told, "missing_keys", ())))
    return result


def _keras_groups(optimizer: Any) -> list[dict[str, Any]]:
    parameters = [variable.value for variable in getattr(optimizer, "_trainable_variables", ())]
    rate = optimizer.learning_rate
    group = {"params": parameters, "lr": getattr(rate, "value", rate)}
    named = {"momentum": "momentum", "weight_decay": "weight_decay", "clipnorm": "clipnorm"}
    group |= {name: value for name, key in named.items() if (value := getattr(optimizer, key, None)) is not None}
    if hasattr(optimizer, "beta_1"):
        group["betas"] = [optimizer.beta_1, getattr(optimizer, "beta_2", None)]
    return [group]


def _fastai_groups(optimizer: Any) -> list[dict[str, Any]]:
    inner = getattr(optimizer, "opt", optimizer)
    hypers = zip(inner.param_lists, inner.hypers, strict=False)
    return [{**_in_words_of_torch(hyper), "params": list(parameters)} for parameters, hyper in hypers]


def _in_words_of_torch(hyper: dict[str, Any]) -> dict[str, Any]:
    words = {**hyper, "weight_decay": hyper.get("wd", 0)}
    if isinstance(hyper.get("lr"), float):  # of numpy, where a schedule sets it
        words["lr"] = float(hyper["lr"])
    if "sqr_mom" in hyper and "mom" in hyper:
        return words | {"betas": [hyper["mom"], hyper["sqr_mom"]]}
    return words | ({"momentum": hyper["mom"]} if "mom" in hyper else {})


# What the last callback of a fastai optimizer does, by the name of torch's class that does it.
_STEPS = {
    "adam_step": "Adam", "radam_step": "RAdam", "rms_prop_step": "RMSprop", "sgd_step": "SGD", "momentum_step": "SGD",
}  # fmt: skip
_KINDS = (
    ("keras.src.optimizers.base_optimizer", "BaseOptimizer", _keras_groups),
    ("fastai.optimizer", "_BaseOptimizer", _fastai_groups),
)
_FUNCTIONS: dict[str, list[tuple[str, Around]]] = {
    "keras.src.optimizers.base_optimizer": [
        ("BaseOptimizer.apply", _stepping(_keras_groups)),
        ("global_norm", keras_norm),
        ("clip_by_global_norm", keras_clip),
    ],
    "keras.src.losses.loss": [("Loss.__call__", keras_loss)],
    "keras.src.callbacks.callback_list": [("CallbackList.on_epoch_begin", _epoch(lambda _, epoch, *__, **___: epoch))],
    "fastai.optimizer": [
        ("Optimizer.step", _stepping(_fastai_groups)),
        ("Optimizer.zero_grad", _zeroing(_fastai_groups)),
    ],
    "timm.loss.cross_entropy": [("LabelSmoothingCrossEntropy.forward", timm_loss)],
    "trl.kernels.chunked_logprob": [("ChunkedLogProbFunction.forward", fused_head)],
    "trl.trainer.sft_trainer": [("SFTTrainer.compute_loss", fused_loss)],
    "transformers.modeling_utils": [("PreTrainedModel._load_pretrained_model", veiled(_loaded))],
    "transformers.trainer": [("Trainer.evaluate", veiled(_evaluated)), ("Trainer.log", veiled(_logged))],
    "fastai.learner": [("Learner._do_epoch", _epoch(lambda learner: learner.epoch))],
}
