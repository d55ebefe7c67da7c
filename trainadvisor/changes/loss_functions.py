"""The loss: its function, reduction, inputs, and added terms."""

from functools import cache
from inspect import signature
from typing import Any, Literal

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.fitting_loss import ELEMENTWISE, fitting
from trainadvisor.changes.applying.late_torch import F, torch
from trainadvisor.changes.applying.nested_tensors import listed
from trainadvisor.changes.applying.torch_standins import floating, stand_in
from trainadvisor.changes.declaration import change
from trainadvisor.changes.line_edits import SetArgument, given


@cache
def _names(kind: str) -> list[str]:
    return list(signature(getattr(F, kind)).parameters)


def with_loss(application: ChangeApplication, turn: Any) -> None:
    """Let `turn(kind, call, named)` compute a loss; `named` holds its arguments by name."""

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kind = call.__name__
        names = _names(kind)
        if names[:2] != ["input", "target"] or kind == "gaussian_nll_loss":
            return call(*args, **kwargs)
        return turn(kind, call, dict(zip(names, args, strict=False)) | kwargs)

    application.around("loss", around)


@change(
    "loss-function",
    zh="修正损失：改为平均、加 z-loss、整体乘以 scale，或（不带参数时）换成与输出和目标相配的损失。",
    limits="A loss written by hand keeps its form; for reduction=mean it is divided by the examples of the batch.",
    limits_zh="手写的损失保持原样；reduction=mean 时按批次样本数相除。",
    rescales_loss=True,
    edits=(SetArgument("loss", "reduction", given("reduction")),),
)
def loss_function(
    application: ChangeApplication,
    *,
    reduction: Literal["mean"] | None = None,
    z_loss: float | None = None,
    scale: float | None = None,
    to: Literal["cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "huber_loss"] | None = None,
) -> None:
    """Average the loss, add a z-loss, multiply it, or compute one that fits outputs and targets.

    Without arguments the fitting loss is determined: log-probabilities for nll_loss, logits and classes for a
    cross-entropy, two-class scores for a binary one; a batch without any label counts as zero.
    """
    application.never = "no loss function of torch was called"
    if reduction is not None:
        _averaged(application)
    elif z_loss is not None:
        with_loss(application, _with_z(application, z_loss))
    elif scale is not None:
        _scaled(application, scale)
    elif to is not None:
        with_loss(application, _named(application, to))
    else:
        with_loss(application, _fitted(application))


def _averaged(application: ChangeApplication) -> None:
    """Average torch's losses; a hand-written loss is divided by the number of examples in the batch."""
    application.never = "no loss of torch is summed"
    state = {"torch": False, "examples": 0}

    def turn(kind: str, call: Call, named: dict[str, Any]) -> Any:
        state["torch"] = True
        if named.get("reduction") != "sum" and named.get("size_average") is not False:
            return call(**named)
        application.done(f"{kind} is averaged in place of summed")
        kept = {key: value for key, value in named.items() if key not in ("size_average", "reduce")}
        return call(**{**kept, "reduction": "mean"})

    def count(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        state["examples"] = next((len(t) for t in listed((args, kwargs)) if t.dim()), 0)
        return call(*args, **kwargs)

    def divide(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        loss = args[0] if args else None
        if state["torch"] or not state["examples"] or not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            return call(*args, **kwargs)
        application.done(f"the loss is divided by {state['examples']} examples before backward()")
        return call(loss / state["examples"], *args[1:], **kwargs)

    with_loss(application, turn)
    application.around("forward", count)
    application.around("backward", divide)


def _with_z(application: ChangeApplication, weight: float) -> Any:
    application.never = "no cross_entropy was called"

    def turn(kind: str, call: Call, named: dict[str, Any]) -> Any:
        loss = call(**named)
        if kind != "cross_entropy" or not torch.is_grad_enabled():
            return loss
        application.done(f"z-loss of {weight:.2g} added to {kind}")
        return loss + weight * named["input"].logsumexp(1).square().mean()

    return turn


def _scaled(application: ChangeApplication, scale: float) -> None:
    """Multiply the gradient of the loss, however it is computed."""
    application.never = "backward() was never called"

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        loss = args[0] if args else kwargs.get("tensors")
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            return call(*args, **kwargs)
        application.done(f"the loss is multiplied by {scale:.4g} before backward()")
        return call(loss * scale, *args[1:], **{k: v for k, v in kwargs.items() if k != "tensors"})

    application.around("backward", around)


def _named(application: ChangeApplication, to: str) -> Any:
    def turn(kind: str, call: Call, named: dict[str, Any]) -> Any:
        if kind == to:
            return call(**named)
        application.done(f"{kind} -> {to}")
        return getattr(F, to)(named["input"], named["target"], reduction=named.get("reduction", "mean"))

    return turn


def _fitted(application: ChangeApplication) -> Any:
    application.patient = True  # a batch without labels may appear late
    application.never = "the loss fits outputs and targets, as far as can be seen from outside"

    def turn(kind: str, call: Call, named: dict[str, Any]) -> Any:
        found = fitting(kind, named)
        if found is None:
            return call(**named)
        what, compute = found
        application.done(what)
        return compute()

    return turn


@change(
    "match-shapes",
    zh="逐元素损失的输出与目标形状不同但元素数相同时，把目标变为输出的形状。",
    limits="For losses of torch, and one operation (Sub by default) of a column and a row of as many elements.",
    limits_zh="适用于 torch 的损失函数，以及元素数相同的列与行之间的一种运算（未指定时为 Sub）。",
    rescales_loss=True,
)
def match_shapes(application: ChangeApplication, *, operation: str = "Sub") -> None:
    """Give targets the shape of the outputs where an elementwise loss or an operation would broadcast."""
    application.never = "no loss of torch was given outputs and targets of different shapes with as many elements"

    def turn(kind: str, call: Call, named: dict[str, Any]) -> Any:
        output, target = named["input"], named["target"]
        if kind in ELEMENTWISE and output.shape != target.shape and output.numel() == target.numel():
            application.done(f"target {list(target.shape)} -> {list(output.shape)} before {kind}")
            named["target"] = target.reshape(output.shape)
        return call(**named)

    def meet(original: Any, given: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
        if "forward" not in application.session.running and floating(other) and _crossed(given, other):
            application.done(f"{list(given.shape)} and {list(other.shape)} meet in one shape ({operation})")
            given, other = (
                (given, other.reshape(given.shape)) if given.dim() == 2 else (given.reshape(other.shape), other)
            )
        return original(given, other, *args, **kwargs)

    with_loss(application, turn)
    for owner, name in _methods(operation.lower()):
        stand_in(application, owner, name, meet)


def _methods(operation: str) -> list[tuple[Any, str]]:
    """Return where the functions of an elementwise operation stand."""
    written = {"div": "__truediv__"}.get(operation, f"__{operation}__")
    named = [(torch, operation), (torch.Tensor, operation), (torch.Tensor, written)]
    return [(owner, name) for owner, name in named if hasattr(owner, name)]


def _crossed(one: Any, other: Any) -> bool:
    """Return whether a column meets a row of equal length, which broadcasts to a square."""
    column, row = (one, other) if one.dim() == 2 else (other, one)
    return (column.dim(), row.dim()) == (2, 1) and tuple(column.shape) == (row.numel(), 1) != (1, 1)


@change(
    "label-smoothing",
    zh="训练时在交叉熵中加入标签平滑。",
    limits="Only for F.cross_entropy and nn.CrossEntropyLoss.",
    limits_zh="仅适用于 F.cross_entropy 与 nn.CrossEntropyLoss。",
    rescales_loss=True,
)
def label_smoothing(application: ChangeApplication, *, value: float = 0.1) -> None:
    """Smooth the labels of the training cross-entropy."""
    application.never = "no cross_entropy was called in training"

    def turn(kind: str, call: Call, named: dict[str, Any]) -> Any:
        if kind == "cross_entropy" and torch.is_grad_enabled():
            before = named.get("label_smoothing", 0.0)
            named["label_smoothing"] = value
            application.done(f"label smoothing {before:.2g} -> {value:.2g}")
        return call(**named)

    with_loss(application, turn)


@change(
    "class-weights",
    zh="按到目前为止见到的类别次数的平方根倒数给训练损失加权。",
    limits="For cross-entropy, nll_loss and binary_cross_entropy_with_logits with class numbers or 0/1 as targets.",
    limits_zh="适用于以类别编号或 0/1 为目标的 cross_entropy、nll_loss 与 binary_cross_entropy_with_logits。",
    rescales_loss=True,
)
def class_weights(application: ChangeApplication) -> None:
    """Weight classes in the training loss by the inverse square root of their counts so far."""
    application.never = "no classification loss of torch was called in training"
    counts: list[Any] = []

    def turn(kind: str, call: Call, named: dict[str, Any]) -> Any:
        output, target = named.get("input"), named.get("target")
        if not torch.is_grad_enabled() or not isinstance(output, torch.Tensor) or not isinstance(target, torch.Tensor):
            return call(**named)
        if kind in ("cross_entropy", "nll_loss") and not target.is_floating_point():
            weight = _weights(counts, target, output.shape[1], named.get("ignore_index", -100))
            application.done(f"class weights {float(weight.min()):.2g} to {float(weight.max()):.2g} at the first step")
            return call(**{**named, "weight": weight.to(output)})
        if kind == "binary_cross_entropy_with_logits" and target.numel() == output.numel():
            weight = _weights(counts, target.round().long(), 2, -100)
            application.done(f"pos_weight {float(weight[1] / weight[0]):.2g} at the first step")
            return call(**{**named, "pos_weight": (weight[1] / weight[0]).to(output)})
        return call(**named)

    with_loss(application, turn)


def _weights(counts: list[Any], target: Any, classes: int, ignored: int) -> Any:
    labels = target.reshape(-1)
    seen = torch.bincount(labels[(labels != ignored) & (labels >= 0)], minlength=classes).double()
    counts[:] = [counts[0] + seen if counts else seen]
    weight = counts[0].clamp_min(1).rsqrt()
    present = counts[0] > 0
    return weight / weight[present].mean() if present.any() else torch.ones_like(weight)
