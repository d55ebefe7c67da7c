"""Optimizers, schedules and losses of the generated trainings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Spec = dict[str, Any]


def optimizer(spec: Spec, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Make the optimizer of a specification."""
    lr, decay, name = spec["lr"], spec["weight_decay"], spec["opt"]
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=lr, weight_decay=decay)
    if name in ("momentum", "nesterov"):
        return torch.optim.SGD(parameters, lr=lr, momentum=0.9, nesterov=name == "nesterov", weight_decay=decay)
    if name == "adam":
        return torch.optim.Adam(parameters, lr=lr, eps=spec.get("eps", 1e-8), weight_decay=decay)
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=lr, eps=spec.get("eps", 1e-8), weight_decay=decay)
    return torch.optim.RMSprop(parameters, lr=lr, weight_decay=decay)


def scheduler(spec: Spec, opt: torch.optim.Optimizer, epochs: int, per_epoch: int) -> tuple[Any, str]:
    """Return the scheduler and when it steps: batch, epoch, plateau or never."""
    when, make = SCHEDULES[spec["schedule"]]
    return make(spec, opt, epochs, epochs * per_epoch), when


def _step(_: Spec, opt: torch.optim.Optimizer, epochs: int, __: int) -> Any:
    return lr_scheduler.StepLR(opt, step_size=max(epochs // 3, 1), gamma=0.3)


def _onecycle(spec: Spec, opt: torch.optim.Optimizer, _: int, steps: int) -> Any:
    return lr_scheduler.OneCycleLR(opt, max_lr=2 * spec["lr"], total_steps=steps)


def _warmup(spec: Spec, opt: torch.optim.Optimizer, _: int, steps: int) -> Any:
    warm = spec.get("warmup_steps", max(steps // 10, 1))
    return lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / warm))


def _warmup_cosine(_: Spec, opt: torch.optim.Optimizer, __: int, steps: int) -> Any:
    warm = max(steps // 10, 1)
    first = lr_scheduler.LinearLR(opt, 0.05, total_iters=warm)
    return lr_scheduler.SequentialLR(opt, [first, lr_scheduler.CosineAnnealingLR(opt, max(steps - warm, 1))], [warm])


def _early_decay(spec: Spec, opt: torch.optim.Optimizer, _: int, steps: int) -> Any:
    places = [max(int(steps * share), 1) for share in (0.03, 0.06)]
    return lr_scheduler.MultiStepLR(opt, places, gamma=spec["gamma"])


# A factor meant for epochs, applied to each batch, is a fault; so is a decay at the very start.
SCHEDULES: dict[str, tuple[str, Callable[..., Any]]] = {
    "constant": ("never", lambda *_: None),
    "cosine": ("batch", lambda _, opt, __, steps: lr_scheduler.CosineAnnealingLR(opt, T_max=steps)),
    "cosine_epoch": ("epoch", lambda _, opt, epochs, __: lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)),
    "step": ("epoch", _step),
    "onecycle": ("batch", _onecycle),
    "warmup": ("batch", _warmup),
    "warmup_cosine": ("batch", _warmup_cosine),
    "plateau": ("plateau", lambda _, opt, *__: lr_scheduler.ReduceLROnPlateau(opt, patience=3, factor=0.5)),
    "exponential_batch": ("batch", lambda spec, opt, *_: lr_scheduler.ExponentialLR(opt, gamma=spec["gamma"])),
    "early_decay": ("batch", _early_decay),
}


def criterion(spec: Spec, kind: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the loss that fits the targets, as a module or a function."""
    smooth, reduction = spec.get("smooth", 0.0), spec.get("reduction", "mean")
    if kind == "classes":
        return nn.CrossEntropyLoss(label_smoothing=smooth, reduction=reduction)
    if kind == "tokens":
        return lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten(), reduction=reduction)
    if kind in ("binary", "labels"):
        weight = torch.tensor([spec["pos_weight"]]) if spec.get("pos_weight") else None
        return nn.BCEWithLogitsLoss(reduction=reduction, pos_weight=weight)
    if kind == "counts":
        return nn.PoissonNLLLoss(reduction=reduction)
    if spec.get("loss") == "huber":
        return nn.SmoothL1Loss(reduction=reduction)
    return nn.MSELoss(reduction=reduction)
