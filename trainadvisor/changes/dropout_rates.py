"""Dropout: changes its rate, or adds it where there is none."""

from typing import Any

from trainadvisor.changes.applying.change_application import Call, ChangeApplication, Refusal
from trainadvisor.changes.applying.late_torch import F, nn, private_torch
from trainadvisor.changes.applying.model_anatomy import rehearse
from trainadvisor.changes.declaration import change
from trainadvisor.changes.line_edits import SetLayerArgument
from trainadvisor.instrument.patching import graft


@change(
    "dropout",
    zh="把所有 dropout 的概率改为 p 或乘以 factor（p = 0 即去除）；模型没有 dropout 时在隐藏激活之后插入。",
    limits="A factor needs dropout that is there already; the dropout inside nn.RNN is changed, not inserted.",
    limits_zh="factor 要求已有 dropout；nn.RNN 层间的 dropout 只修改、不新增。",
    edits=(SetLayerArgument(frozenset({"Dropout", "Dropout1d", "Dropout2d"}), "p", "p"),),
    rules_out=("the dropout", "dropout"),
)
def dropout(application: ChangeApplication, *, p: float | None = None, factor: float | None = None) -> None:
    """Set the dropout rate, or multiply it; where there is no dropout, add it after hidden activations."""
    if (p is None) == (factor is None):
        application.refuse("it takes either p or factor")
        return

    def new(now: float) -> float:
        return min(0.95, p if p is not None else now * (factor or 0.0))

    called = _set_in_calls(application, new)

    def put(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        layers: list[Any] = [m for m in model.modules() if isinstance(m, private_torch.DROPOUT)]
        recurrent: list[Any] = [m for m in model.modules() if isinstance(m, nn.RNNBase) and m.dropout]
        before = [m.p for m in layers] + [m.dropout for m in recurrent]
        for layer in layers:
            layer.p = new(layer.p)
        for layer in recurrent:
            layer.dropout = new(layer.dropout)
        if before:
            application.done(f"dropout {max(before):.2g} -> {new(max(before)):.2g} in {len(before)} layers")
            return
        seen = rehearse(application.session, model, args, kwargs)
        if called:
            return
        if p is None:
            raise Refusal("the model has no dropout that a factor could change")
        _insert(application, seen.activations or seen.hidden, p)

    application.when("model", put)


@change(
    "dropout-mode",
    zh="让 F.dropout 跟随模型的模式：eval 模式下不再丢弃。",
    limits="For the functions of torch.nn.functional; scaled_dot_product_attention is out of reach.",
    limits_zh="适用于 torch.nn.functional 的函数；scaled_dot_product_attention 无法触及。",
    acts_after_first_step=True,
    rules_out=("dropout in evaluation", "评估时的 dropout"),
)
def dropout_mode(application: ChangeApplication) -> None:
    """Let the functions of dropout follow the mode of the model: nothing is dropped in eval mode."""
    application.patient = True
    application.never = "no function dropped while the model was in eval mode"
    modes: list[bool] = []

    def forward(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        modes.append(args[0].training)
        try:
            return call(*args, **kwargs)
        finally:
            modes.pop()

    def around(original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        named = dict(zip(("input", "p", "training", "inplace"), args, strict=False)) | kwargs
        if not modes or modes[0] or not named.get("training", True):
            return original(*args, **kwargs)
        application.done("dropout in the forward follows the mode of the model")
        return original(**{**named, "training": False})

    application.around("forward", forward)
    for function in (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d):
        application.session.undo_with(graft(function, around))


def _insert(application: ChangeApplication, places: list[Any], p: float) -> None:
    if not places:
        raise Refusal("the model has no hidden layer")
    for place in places:
        place.register_forward_hook(lambda module, _, result: F.dropout(result, p, module.training))
    application.done(f"dropout of {p:.2g} behind {len(places)} hidden layers")


def _set_in_calls(application: ChangeApplication, new: Any) -> list[float]:
    """Change the rate that F.dropout is called with; return the place where the first such call is noted."""
    called: list[float] = []
    running: list[bool] = []

    def around(original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        layers = application.what is not None and not called  # a call by a layer, or one of the advisor's
        if layers or running or "forward" not in application.session.running:
            return original(*args, **kwargs)
        named = dict(zip(("input", "p", "training", "inplace"), args, strict=False)) | kwargs
        before = named.get("p", 0.5)
        if not called:
            called.append(before)
            application.done(f"F.dropout {before:.2g} -> {new(before):.2g}")
        running.append(True)  # under a torch function mode the function calls itself again
        try:
            return original(**{**named, "p": new(before)})
        finally:
            running.pop()

    application.session.undo_with(graft(F.dropout, around))
    return called
