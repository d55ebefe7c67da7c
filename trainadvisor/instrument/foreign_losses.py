"""Loss functions that a framework writes itself, told like torch's own by what they compute.

Keras takes each of its losses apart into operations on single examples. As one loss it has a prediction, targets and a
value like `F.cross_entropy`. What torch has no word for (weights of examples, masks, smoothing, sums) is told as it
comes: by the functions of torch inside of it.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.compiler import is_compiling

from trainadvisor.instrument import call_sites, taps, tracing
from trainadvisor.instrument.framework_settings import settings_in
from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.patching import Around
from trainadvisor.instrument.running_events import running
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.interruptions import unless_it_fails

_AVERAGED = frozenset({"sum_over_batch_size", "mean"})
_FUNCTIONS = {
    "mean_squared_error": "mse_loss", "mean_absolute_error": "l1_loss", "huber": "huber_loss",
    "binary_crossentropy": "binary_cross_entropy", "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
}  # fmt: skip
_WITHOUT_TWIN = ("label_smoothing", "ignore_class")


class Told(NamedTuple):
    """A loss call in torch's words."""

    kind: str
    prediction: torch.Tensor
    target: torch.Tensor
    settings: dict[str, Any]


def _telling(describe: Callable[..., Told | None], plain: Callable[..., bool]) -> Around:
    """Return what runs the call of a framework's loss and tells it as one loss."""

    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        plan = slot.plan
        expected = plan is not None and not is_compiling() and "loss" not in running.events and args
        if expected and taps.taken(plan, "told_loss_begins", args[0], bool(unless_it_fails(plain, *args, **kwargs))):
            return _in_plan(plan, describe, original, args, kwargs)
        told = None if is_compiling() or "loss" in running.events else unless_it_fails(describe, *args, **kwargs)
        if told is None:
            return original(*args, **kwargs)
        running.events.add("loss")
        try:
            result = original(*args, **kwargs)
        finally:
            running.events.discard("loss")
        if not taps.has_values(result) or tracing.now() or tracing.in_backward():
            return result
        if not taps.taken(slot.now, "told_loss", told.kind, told.settings, result, args[0]):
            taps.tell("loss", told.kind, (told.prediction, told.target), told.settings, result)
        return result

    return veiled(around)


@veiled
def _in_plan(
    plan: Any, describe: Callable[..., Told | None], original: Callable[..., Any], args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:  # fmt: skip
    """Run a loss that a plan expects."""
    try:
        result = original(*args, **kwargs)
    except BaseException:
        plan.loss_failed()
        raise
    if not taps.taken(plan, "loss", sys._getframe(4), {}, result):
        told = unless_it_fails(describe, *args, **kwargs)
        if told is not None and taps.has_values(result):
            taps.tell("loss", told.kind, (told.prediction, told.target), told.settings, result)
    return result


def _is_plain(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> bool:
    """Return whether a loss is the mean over all examples, each counted once."""
    plain = sample_weight is None and getattr(y_pred, "_keras_mask", None) is None
    return plain and loss.reduction in _AVERAGED and isinstance(y_true, torch.Tensor)


def _of_keras(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Told | None:
    function, settings = getattr(loss, "fn", None), getattr(loss, "_fn_kwargs", {})
    module, name = getattr(function, "__module__", ""), getattr(function, "__name__", "")
    kind = _FUNCTIONS.get(name) if module == "keras.src.losses.losses" else None
    plain = _is_plain(loss, y_true, y_pred, sample_weight) and isinstance(y_pred, torch.Tensor)
    if kind is None or not plain or any(settings.get(key) for key in _WITHOUT_TWIN):
        return None
    told: dict[str, Any] = {"told_as": "".join(map(str.capitalize, name.split("_"))), "place": _place()}
    if name == "huber":
        told["delta"] = settings.get("delta", 1.0)
    if name.endswith("crossentropy"):
        kind, told["probabilities"] = _entropy(kind, logits=bool(settings.get("from_logits")))
    target = y_true.detach()
    if kind == "cross_entropy":
        return _of_classes(y_pred, target, told, axis=settings.get("axis", -1), sparse=name.startswith("sparse"))
    target, prediction = _of_one_rank(target, y_pred)
    return Told(kind, prediction, target.to(prediction.dtype), told)


def _place() -> call_sites.Place | None:
    """Return the line that names the loss, where the file that trains has one; else that of the training."""
    place = call_sites.user_place(2)
    line = _named_in(place[0]) if place else None
    return (place[0], line) if place and line else place


@functools.lru_cache(maxsize=16)
def _named_in(filename: str) -> int | None:
    lines = [line for _, argument, line in settings_in(filename, ("compile",)) if argument == "loss"]
    return lines[0] if len(lines) == 1 else None


def _entropy(kind: str, *, logits: bool) -> tuple[str, bool]:
    return (f"{kind}_with_logits" if logits and kind == "binary_cross_entropy" else kind), not logits


def _of_classes(
    prediction: torch.Tensor, target: torch.Tensor, told: dict[str, Any], *, axis: int, sparse: bool
) -> Told | None:
    """Tell scores with their classes in the second place, and labels as whole numbers where they are those."""
    if prediction.ndim < 2:
        return None
    if sparse:
        if target.ndim == prediction.ndim and target.shape[axis] == 1:
            target = target.squeeze(axis)
        return Told("cross_entropy", prediction.movedim(axis, 1), target.long(), told)
    return Told("cross_entropy", prediction.movedim(axis, 1), target.movedim(axis, 1).to(prediction.dtype), told)


def _of_one_rank(target: torch.Tensor, prediction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return both with a last axis of one that only one of them has, as Keras aligns them."""
    if target.ndim == prediction.ndim + 1 and target.shape[-1] == 1:
        return target.squeeze(-1), prediction
    if prediction.ndim == target.ndim + 1 and prediction.shape[-1] == 1:
        return target.unsqueeze(-1), prediction
    return target, prediction


def _of_timm(loss: Any, x: torch.Tensor, target: torch.Tensor) -> Told | None:
    if x.ndim != 2:
        return None
    told = {
        "told_as": type(loss).__name__, "place": call_sites.user_place(1),
        "label_smoothing": getattr(loss, "smoothing", 0.0),
    }  # fmt: skip
    return Told("cross_entropy", x, target.detach(), told)


def _is_mean(*_: Any) -> bool:
    """Return whether a loss of timm is the mean over all examples, which each of them is."""
    return True


keras_loss = _telling(_of_keras, _is_plain)
timm_loss = _telling(_of_timm, _is_mean)
