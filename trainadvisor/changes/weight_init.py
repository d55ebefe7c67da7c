"""Reinitializes weights before the first step."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trainadvisor.changes.applying.change_application import ChangeApplication, Refusal
from trainadvisor.changes.applying.late_torch import nn, private_torch, torch
from trainadvisor.changes.declaration import Fallback, change
from trainadvisor.changes.line_edits import Arguments, InsertLines

_FAR = 4.0


_INITIALISERS = {
    "he": 'kaiming_normal_(layer.weight, nonlinearity="relu")',
    "xavier": "xavier_uniform_(layer.weight)",
    "orthogonal": "orthogonal_(layer.weight)",
}


def _drawing(arguments: Arguments, model: str) -> Sequence[str]:
    drawn = _INITIALISERS.get(str(arguments.get("to")))
    if drawn is None:
        return []
    return [
        f"for layer in {model}.modules():",
        "    if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):",
        f"        torch.nn.init.{drawn}",
    ]


@change(
    "init",
    zh="第一步之前重新初始化权重：He、Xavier、正交、PyTorch 默认，或 prior（末层从平凡解开始）。",
    limits="Not for models whose weights were loaded; embeddings and parameters of the model's own only where their "
    "scale is far off.",
    limits_zh="不适用于已加载权重的模型；嵌入层与模型自有参数仅在尺度明显异常时重新初始化。",
    applied_last=True,
    fallbacks=(Fallback(40, {"to": "he"}),),
    edits=(InsertLines(before="optimizer", names="model", lines=_drawing),),
    does=("initialize the weights by the {to} scheme", "用 {to} 方法初始化权重"),
    rules_out=("the initial weights", "初始权重"),
)
def init(
    application: ChangeApplication,
    *,
    to: Literal["he", "xavier", "orthogonal", "default", "prior", "lstm"] | None = None,
    bias: float | None = None,
) -> None:
    """Reinitialize the weights before the first step: He, Xavier, orthogonal, torch's own, or an output near the prior.

    Biases become zero; the last layer starts from torch's own initialization, with `bias` if that is given.
    """
    kind = to or ("he" if bias is None else "prior")
    application.never = "no model was called"

    def redo(model: Any, *_: object) -> None:
        if any(id(module) in application.session.loaded for module in model.modules()):
            raise Refusal("the model's weights were loaded; a new start would throw them away")
        layers: list[Any] = [module for module in model.modules() if isinstance(module, _layers())]
        loose = [] if kind == "prior" else [weight for weight in _loose(model) if not layers or weight.odd]
        if not layers and not loose:
            raise Refusal("the model has no linear, convolution or recurrent layer")
        with application.session.aside(), torch.no_grad():
            for layer in layers[-1:] if kind == "prior" else layers:
                _draw(layer, kind, last=layer is layers[-1])
            for weight in loose:
                weight.draw(kind)
        if bias is not None and layers and layers[-1].bias is not None:
            nn.init.constant_(layers[-1].bias, bias)
        elif kind == "prior":
            _bias_by_targets(application, layers[-1])
        count = 1 if kind == "prior" else len(layers)
        told = [f"{count} layer{'s' if count != 1 else ''}"] if count else []
        told += [f"{len(loose)} other weight{'s' if len(loose) != 1 else ''}"] if loose else []
        application.done(f"{kind} initialization of {' and '.join(told)}")

    application.when("model", redo)


def _layers() -> tuple[type, ...]:
    return nn.Linear, private_torch.CONV, nn.RNNBase, nn.RNNCellBase


def _draw(layer: Any, kind: str, *, last: bool) -> None:
    if isinstance(layer, nn.RNNBase | nn.RNNCellBase):
        _draw_recurrent(layer, kind)
        return
    if kind == "default" or (last and kind != "prior"):
        layer.reset_parameters()
        return
    if kind == "prior":
        nn.init.normal_(layer.weight, std=0.01)
    elif kind == "xavier":
        nn.init.xavier_uniform_(layer.weight)
    elif kind == "he":
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    else:
        nn.init.orthogonal_(layer.weight, gain=math.sqrt(2))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


@dataclass(frozen=True)
class _Loose:
    """A matrix that does not belong to a linear, convolution or recurrent layer."""

    weight: Any
    # The deviation that preserves a signal's size: of an embedding 1 / sqrt(length), else that of Glorot 2010 times
    # sqrt(2), which does not depend on the direction of the signal.
    usual: float
    # Factor from the usual deviation, up or down, from which it counts as odd.
    far: float

    @property
    def odd(self) -> bool:
        """Return whether the weights are all equal, or far larger or smaller than usual."""
        return not 1 / self.far < float(self.weight.detach().std()) / self.usual < self.far

    def draw(self, kind: str) -> None:
        """Reinitialize it."""
        if kind == "orthogonal":
            nn.init.orthogonal_(self.weight, gain=math.sqrt(2))
        else:
            nn.init.normal_(self.weight, std=self.usual / (1.0 if kind == "he" else math.sqrt(2)))


def _loose(model: Any) -> list[_Loose]:
    """Return the matrices of embeddings, and those that the model's own modules hold."""
    found: list[_Loose] = []
    for module in model.modules():
        own = private_torch.parameters(module).values()
        matrices = [p for p in own if p is not None and p.dim() > 1 and p.numel() > 1]
        if isinstance(module, nn.Embedding | nn.EmbeddingBag):
            # torch's default has a deviation of one: only far larger values are odd
            found += [_Loose(p, p.shape[-1] ** -0.5, _FAR * p.shape[-1] ** 0.5) for p in matrices]
        elif not type(module).__module__.startswith("torch.nn.modules") or isinstance(module, nn.ParameterList):
            found += [_Loose(p, math.sqrt(4.0 / sum(p.shape[-2:])), _FAR) for p in matrices]
    return found


def _draw_recurrent(layer: Any, kind: str) -> None:
    if kind == "default":
        layer.reset_parameters()
        return
    for name, parameter in layer.named_parameters():
        if parameter.dim() < 2:
            nn.init.zeros_(parameter)
        elif "hh" in name:
            for block in parameter.chunk(parameter.shape[0] // parameter.shape[1]):
                nn.init.orthogonal_(block)
        else:
            nn.init.xavier_uniform_(parameter)
        if kind == "lstm" and isinstance(layer, nn.LSTM) and name.startswith("bias_hh"):
            parameter[layer.hidden_size : 2 * layer.hidden_size] = 1.0


def _bias_by_targets(application: ChangeApplication, layer: Any) -> None:
    """Set the output bias of a regression to the mean of the targets, when the first loss shows them."""
    waiting = [True]

    def around(call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target = kwargs.get("target", args[1] if len(args) > 1 else None)
        if waiting and layer.bias is not None and isinstance(target, torch.Tensor) and target.is_floating_point():
            waiting.clear()
            mean = target.detach().reshape(-1, layer.bias.numel() if target.dim() > 1 else 1).mean(0)
            if mean.numel() in (1, layer.bias.numel()):
                with torch.no_grad():
                    layer.bias.copy_(mean.expand_as(layer.bias))
        return call(*args, **kwargs)

    application.around("loss", around)
