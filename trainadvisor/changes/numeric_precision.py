"""Number formats, and operations that lose precision."""

from typing import Any, Literal

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.late_torch import nn, private_torch, torch
from trainadvisor.changes.applying.stable_math import Stable
from trainadvisor.changes.declaration import change
from trainadvisor.instrument.patching import graft

LOSS_SCALE = 2.0**16
SMALLEST_SCALE = 1.0


@change(
    "precision",
    zh="以 bfloat16 或 float32 取代 float16 混合精度，或让权重保持 float32、放大损失（scaler）、允许 TF32（matmul）。",
    limits="Which single layer overflows is not looked for: islands computes the whole model in float32.",
    limits_zh="不会寻找具体溢出的层：islands 会让整个模型以 float32 计算。",
    rules_out=("the number format", "数值精度"),
)
def precision(
    application: ChangeApplication,
    *,
    dtype: Literal["bfloat16", "float32"] | None = None,
    weights: Literal["float32"] | None = None,
    matmul: Literal["high", "highest", "medium"] | None = None,
    scaler: bool = False,
    islands: bool = False,
) -> None:
    """Compute in bfloat16 or float32 instead of float16, keep weights in float32, scale the loss, or allow TF32."""
    if matmul is not None:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(matmul)
        application.session.undo_with(lambda: torch.set_float32_matmul_precision(before))
        application.done(f"float32 matrix products: {before} -> {matmul}")
    elif weights is not None:
        _float_weights(application)
    elif scaler:
        _Scaling(application)
    elif dtype is not None or islands:
        _autocast(application, dtype or "float32")
    else:
        application.refuse("it takes one of dtype, weights, matmul, scaler and islands")


def _autocast(application: ChangeApplication, dtype: str) -> None:
    """Change the dtype of the script's autocast; without one, wrap its models' training calls in autocast."""
    wanted = getattr(torch, dtype)

    def made(original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        named = dict(zip(("self", "device_type", "dtype", "enabled", "cache_enabled"), args, strict=False)) | kwargs
        if named.get("dtype") is not wanted and named.get("enabled", True):
            application.done(f"autocast {named.get('dtype')} -> {wanted}")
        change_ = {"enabled": False} if dtype == "float32" else {"dtype": wanted}
        if "self" not in named:
            return original(*args, **kwargs)
        me = named.pop("self")
        return original(me, **{**named, **change_})

    application.session.undo_with(graft(torch.amp.autocast_mode.autocast.__init__, made))
    if dtype == "float32":
        application.never = "the script uses no autocast"
        return

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        device = next(args[0].parameters()).device.type
        if torch.is_autocast_enabled(device):
            return call(*args, **kwargs)
        application.done(f"the model runs under {dtype} autocast")
        with torch.autocast(device, dtype=wanted):
            result = call(*args, **kwargs)
        return result.float() if isinstance(result, torch.Tensor) and result.dtype is wanted else result

    application.around("forward", around)


def _float_weights(application: ChangeApplication) -> None:
    """Convert half-precision weights, and floating-point inputs, to float32 before the first call."""
    application.never = "no model was called"
    short = (torch.float16, torch.bfloat16)
    wide: set[int] = set()

    def widen(model: Any, *_: object) -> None:
        before = {p.dtype for p in model.parameters() if p.dtype in short}
        if not before:
            application.refuse("the weights are in float32 already")
            return
        model.float()
        wide.add(id(model))
        application.done(f"weights {', '.join(sorted(map(str, before)))} -> torch.float32")

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if id(args[0]) not in wide:
            return call(*args, **kwargs)
        given = [a.float() if isinstance(a, torch.Tensor) and a.dtype in short else a for a in args]
        return call(*given, **kwargs)

    application.when("model", widen)
    application.around("forward", around)


class _Scaling:
    """Scales the loss up before backward() and the gradients down before the step, which is skipped on overflow."""

    def __init__(self, application: ChangeApplication) -> None:
        self._application, self._scale = application, LOSS_SCALE
        self._used: float | None = None
        application.never = "backward() was never called"
        application.around("scale", self._own)
        application.around("backward", self._backward)
        application.around("step", self._step)

    def _own(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._application.refuse("the script scales its loss already")
        return call(*args, **kwargs)

    def _backward(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        loss = args[0] if args else None
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            return call(*args, **kwargs)
        self._used = self._used or self._scale
        self._application.done(f"the loss is scaled by {self._used:.0f} before backward()")
        return call(loss * self._used, *args[1:], **kwargs)

    def _step(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._used is None:
            return call(*args, **kwargs)
        gradients = [p.grad for group in args[0].param_groups for p in group["params"] if p.grad is not None]
        used, self._used = self._used, None
        if gradients:
            private_torch.foreach_div_(gradients, used)
        if all(bool(torch.isfinite(g).all()) for g in gradients):
            return call(*args, **kwargs)
        self._scale = max(SMALLEST_SCALE, used / 2)
        return None


@change(
    "stable-loss",
    zh="对 softmax 或 sigmoid 取 log 时改用数值稳定的形式，并让 log、sqrt、除法的自变量远离零。",
    limits="Operations of torch called by name or operator; those inside compiled or C++ code stay.",
    limits_zh="适用于按名称或运算符调用的 torch 运算；编译代码或 C++ 内部的运算不变。",
)
def stable_loss(application: ChangeApplication, *, eps: float = 1e-6) -> None:
    """Compute the logarithm of a softmax or sigmoid in stable form, and keep log, sqrt and divisors away from zero."""
    application.patient = True
    application.never = "no logarithm, root or division came near zero"
    Stable(application, eps)


@change(
    "skip-bad-steps",
    zh="NaN 梯度出现时跳过该次更新。",
    limits="It hides the fault and mends no data.",
    limits_zh="它只是绕过问题，并不修复数据。",
)
def skip_bad_steps(application: ChangeApplication) -> None:
    """Skip each update whose gradients are not finite."""
    application.patient = True
    application.never = "all gradients were finite"

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        norms = [p.grad for group in args[0].param_groups for p in group["params"] if p.grad is not None]
        if not norms or bool(torch.isfinite(nn.utils.get_total_norm(norms))):
            return call(*args, **kwargs)
        application.done("an update with gradients that are not finite was left out")
        return None

    application.around("step", around)
