"""Faults put into a training: edits of the specification, of the data, of the network and of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks import Task

Spec = dict[str, Any]


class Fault:
    """The fault of a training, or none."""

    def __init__(self, spec: Spec) -> None:
        self.name, self.grade = spec["fault"] or (None, None)

    def __eq__(self, name: object) -> bool:
        return self.name == name

    def __hash__(self) -> int:
        return hash(self.name)

    def data(self, task: Task) -> Task:
        """Spoil the data."""
        if self.name in DATA:
            DATA[self.name](task, self.grade)
        return task

    def model(self, model: nn.Module) -> nn.Module:
        """Spoil the network."""
        return MODEL[self.name](model, self.grade) if self.name in MODEL else model

    def criterion(self, criterion: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        """Spoil the loss."""
        return LOSS[self.name](criterion, self.grade) if self.name in LOSS else criterion


def _scale_inputs(task: Task, factor: float) -> None:
    offset = 0.5 * factor
    task.x, task.x_val = task.x * factor + offset, task.x_val * factor + offset


def _scale_targets(task: Task, factor: float) -> None:
    task.y, task.y_val = task.y * factor + 3 * factor, task.y_val * factor + 3 * factor


def _scale_validation(task: Task, factor: float) -> None:
    task.x_val = task.x_val * factor + 0.3 * factor


def _shuffle_labels(task: Task, where: str) -> None:
    task.y = task.y[torch.randperm(len(task.y))]
    if where == "both":
        task.y_val = task.y_val[torch.randperm(len(task.y_val))]


def _noisy_labels(task: Task, share: float) -> None:
    wrong = torch.rand(len(task.y)) < share
    task.y = torch.where(wrong.view(-1, *[1] * (task.y.dim() - 1)), task.y[torch.randperm(len(task.y))], task.y)


def _sorted(task: Task, _: object) -> None:
    order = task.y.flatten().argsort() if task.y.numel() == len(task.y) else task.y[:, 0].argsort()
    task.x, task.y = task.x[order], task.y[order]


def _constant_inputs(task: Task, _: object) -> None:
    task.x, task.x_val = task.x[:1].expand_as(task.x).clone(), task.x[:1].expand_as(task.x_val).clone()


def _nan_inputs(task: Task, share: float) -> None:
    rows = torch.randperm(len(task.x))[: max(int(share * len(task.x)), 1)]
    task.x = task.x.clone()
    task.x.view(len(task.x), -1)[rows, 0] = float("nan")


def _rare_class(task: Task, share: float) -> None:
    """Keep only a few examples of every class but the first."""
    labels = task.y.flatten()
    kept = (labels == 0) | (torch.rand(len(labels)) < share)
    task.x, task.y = task.x[kept], task.y[kept]


def _mask_labels(task: Task, share: float) -> None:
    task.y = torch.where(torch.rand(task.y.shape) < share, torch.full_like(task.y, -100), task.y)


DATA: dict[str, Callable[[Task, Any], None]] = {
    "inputs_unscaled": _scale_inputs, "targets_unscaled": _scale_targets, "validation_unscaled": _scale_validation,
    "labels_shuffled": _shuffle_labels, "labels_noisy": _noisy_labels, "sorted_data": _sorted,
    "constant_inputs": _constant_inputs, "nan_inputs": _nan_inputs, "rare_class": _rare_class, "masked": _mask_labels,
}  # fmt: skip


def _matrices(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.dim() > 1]


def _init_all(model: nn.Module, value: float) -> nn.Module:
    for p in _matrices(model):
        nn.init.constant_(p, value)
    return model


def _init_scaled(model: nn.Module, factor: float) -> nn.Module:
    with torch.no_grad():
        for p in _matrices(model):
            p.mul_(factor)
    return model


def _freeze(model: nn.Module, share: float) -> nn.Module:
    parameters = list(model.parameters())
    for p in parameters[: max(int(share * len(parameters)), 2)]:
        p.requires_grad = False
    return model


class ListNet(nn.Module):
    """An MLP whose hidden layers are in a plain list."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.hidden, self.out = layers[:-1], layers[-1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the layers."""
        for layer in self.hidden:
            x = layer(x)
        return self.out(x)


class Ending(nn.Module):
    """A network with an activation after its last layer."""

    def __init__(self, body: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.body, self.last = body, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply both."""
        return self.last(self.body(x))


LAST = {"softmax": lambda: nn.Softmax(dim=-1), "sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}


class Stopped(nn.Module):
    """A network whose body runs under no_grad, so that only the last layer learns."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.body, self.head = layers[:-1], layers[-1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply both."""
        with torch.no_grad():
            h = self.body(x)
        return self.head(h)


class Blind(nn.Module):
    """A network that ignores its input."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Ignore the input."""
        return self.body(torch.zeros_like(x))


def _slow_norm(model: nn.Module, momentum: float) -> nn.Module:
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.momentum = momentum
    return model


def _new_head(model: nn.Module, _: object) -> nn.Module:
    """Replace the last layer after the optimizer was created."""
    name, head = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
    parent = model.get_submodule(name.rpartition(".")[0])
    setattr(parent, name.rpartition(".")[2], nn.Linear(head.in_features, head.out_features))
    return model


MODEL: dict[str, Callable[[nn.Module, Any], nn.Module]] = {
    "init_constant": _init_all, "init_scaled": _init_scaled, "frozen_layers": _freeze,
    "layers_in_list": lambda model, _: ListNet(list(model)),
    "output_activation": lambda model, last: Ending(model, LAST[last]()),
    "features_detached": lambda model, _: Stopped(model), "input_ignored": lambda model, _: Blind(model),
    "norm_momentum": _slow_norm,
}  # fmt: skip


def _log_of_softmax(_: object, scale: float) -> Callable[..., torch.Tensor]:
    def loss(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        p = torch.softmax(scale * out, 1)
        return -(F.one_hot(y, out.shape[1]) * torch.log(p)).sum(1).mean()

    return loss


def _root_of_zero(_: object, scale: float) -> Callable[..., torch.Tensor]:
    def loss(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        off = out - y
        return torch.sqrt(scale * off**2 * (off.abs() > 0.05)).mean()

    return loss


LOSS: dict[str, Callable[..., Callable[..., torch.Tensor]]] = {
    "nll_on_logits": lambda *_: F.nll_loss,
    "log_of_zero": _log_of_softmax,
    "root_of_zero": _root_of_zero,
    "broadcast": lambda loss, _: lambda out, y: loss(out, y.squeeze(1)),
    "mse_on_classes": lambda *_: lambda out, y: F.mse_loss(out.softmax(1), F.one_hot(y, out.shape[1]).float()),
}
