"""Norm layers added or replaced, and the momentum of their statistics."""

from typing import Any, Literal

from trainadvisor.changes.applying.change_application import ChangeApplication, Refusal
from trainadvisor.changes.applying.late_torch import nn, private_torch, torch
from trainadvisor.changes.applying.model_anatomy import (
    exchange,
    names_of,
    put_behind,
    rehearse,
    replace,
)
from trainadvisor.changes.declaration import change
from trainadvisor.changes.line_edits import SetLayerArgument


@change(
    "normalization",
    zh="在隐藏层之后插入归一化层（layer、batch 或 group），已有批归一化则由前者取代；input 对输入做无参数批归一化。",
    limits="Normalized queries and keys (qk) cannot be put in from outside.",
    limits_zh="查询与键的归一化（qk）无法从外部加入。",
)
def normalization(
    application: ChangeApplication, *, to: Literal["layer", "batch", "group", "input", "qk"] = "layer"
) -> None:
    """Add a norm layer after each hidden layer, or replace batch norms; `input` normalizes the inputs."""

    def insert(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if to == "qk":
            raise Refusal("queries and keys are out of reach inside the attention of torch")
        norms = [m for m in model.modules() if isinstance(m, private_torch.BATCH_NORM)]
        if norms and to in ("layer", "group"):
            _independent_of_the_batch(application, model, norms, to)
            return
        layers = rehearse(application.session, model, args, kwargs).hidden
        if not layers:
            raise Refusal("the model has no hidden linear or convolution layer")
        for layer in layers:
            put_behind(application.session, model, layer, "_norm", _norm(to, layer))
        application.done(f"{to} norm behind {names_of(model, layers)}")

    if to == "input":
        _normalize_input(application)
    else:
        application.when("model", insert)


def _independent_of_the_batch(application: ChangeApplication, model: Any, norms: list[Any], to: str) -> None:
    """Replace every batch norm by a norm over the channels of each example."""
    for norm in norms:
        new = nn.GroupNorm(_groups(to, norm.num_features), norm.num_features, norm.eps, norm.affine)
        replace(model, norm, new.to(norm.running_mean.device if norm.running_mean is not None else "cpu"))
        exchange(application.session, dict(zip(map(id, norm.parameters()), new.parameters(), strict=True)))
    application.done(f"{len(norms)} batch norms -> {to} norms")


def _groups(to: str, wide: int) -> int:
    return next(count for count in (8, 4, 2, 1) if wide % count == 0) if to == "group" else 1


def _norm(to: str, layer: Any) -> Any:
    if isinstance(layer, nn.Linear):
        wide = layer.out_features
        return nn.BatchNorm1d(wide) if to == "batch" else nn.LayerNorm(wide)
    wide = layer.out_channels
    if to == "batch":
        return getattr(nn, f"BatchNorm{len(layer.kernel_size)}d")(wide)
    return nn.GroupNorm(_groups(to, wide), wide)


def _normalize_input(application: ChangeApplication) -> None:
    norms: dict[int, Any] = {}

    def around(call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        model, *given = args
        if (
            not given
            or not isinstance(given[0], torch.Tensor)
            or not given[0].is_floating_point()
            or given[0].dim() < 2
        ):
            application.refuse("the first input is no batch of floating-point features")
            return call(*args, **kwargs)
        norm = norms.setdefault(id(model), nn.LazyBatchNorm1d(affine=False).to(given[0].device))
        with application.session.unseen():
            norm.train(model.training)
            flat = given[0] if given[0].dim() >= 4 else given[0].reshape(-1, given[0].shape[-1])
            given[0] = norm(flat.flatten(2) if flat.dim() >= 4 else flat).reshape(given[0].shape)
        application.done(f"batch norm without parameters before the model ({norm.num_features} features)")
        return call(model, *given, **kwargs)

    application.around("forward", around)


@change(
    "bn-momentum",
    zh="把所有批归一化层的 momentum 改为 value。",
    limits="Only for batch norm that keeps running statistics.",
    limits_zh="仅适用于维护滑动统计量的批归一化。",
    edits=(SetLayerArgument(frozenset({"BatchNorm1d", "BatchNorm2d", "BatchNorm3d"}), "momentum", "value"),),
)
def bn_momentum(application: ChangeApplication, *, value: float = 0.1) -> None:
    """Set the momentum of the running statistics of every batch norm."""

    def put(model: Any, *_: object) -> None:
        norms = [m for m in model.modules() if isinstance(m, private_torch.BATCH_NORM)]
        if not norms:
            raise Refusal("the model has no batch norm")
        before = norms[0].momentum
        for norm in norms:
            norm.momentum = value
        application.done(f"momentum {before} -> {value:.3g} in {len(norms)} batch norms")

    application.when("model", put)
