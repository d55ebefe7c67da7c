"""The model's outputs: undoes an activation, and puts targets on a scale that can be learned."""

from typing import Any, Literal

from trainadvisor.changes.applying.activation_origins import Origins
from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.feature_scales import Scale
from trainadvisor.changes.applying.fitting_loss import ELEMENTWISE
from trainadvisor.changes.applying.late_torch import F, torch
from trainadvisor.changes.applying.model_anatomy import first_tensor
from trainadvisor.changes.declaration import change
from trainadvisor.changes.loss_functions import with_loss

_LOGITS = {"cross_entropy": ("softmax", "sigmoid", "relu", "tanh"), "binary_cross_entropy_with_logits": ("sigmoid",)}


@change(
    "remove-output-activation",
    zh="损失自带 softmax 或 sigmoid 时，改用激活之前的数值计算损失；脚本看到的输出不变。",
    limits="The activation must be one of torch's functions or modules and feed the loss as it is or reshaped.",
    limits_zh="激活须为 torch 的函数或模块，并原样（或只改变形状）进入损失。",
    rescales_loss=True,
)
def remove_output_activation(application: ChangeApplication) -> None:
    """Compute the loss from the values before the last activation; the script sees its usual outputs."""
    application.never = "no activation feeds a loss that has its own"
    origins = Origins(application)

    def turn(kind: str, call: Call, named: dict[str, Any]) -> Any:
        known = origins.of(named.get("input"))
        if known is None:
            return call(**named)
        activation, before = known
        if kind == "nll_loss" and activation == "softmax":
            application.done("nll_loss is given log_softmax in place of softmax")
            return call(**{**named, "input": F.log_softmax(before, 1)})
        if activation in _LOGITS.get(kind, ()):
            application.done(f"{kind} is given what stands before {activation}")
            return call(**{**named, "input": before})
        return call(**named)

    with_loss(application, turn)


@change(
    "change-output-activation",
    zh="把模型末尾的激活去掉（或换成 to），训练与评估一致。",
    limits="The activation must be one of torch's at the very end; in-place ones are out of reach.",
    limits_zh="须为模型最末端的 torch 激活；原地（in-place）激活无法处理。",
    rescales_loss=True,
)
def change_output_activation(
    application: ChangeApplication, *, to: Literal["none", "softmax", "sigmoid", "tanh", "softplus"] = "none"
) -> None:
    """Remove the activation at the model's end, or replace it, in training and in evaluation."""
    application.never = "no activation of torch stands at the model's end"
    origins = Origins(application)

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = call(*args, **kwargs)
        tensor = first_tensor(result)
        known = origins.of(tensor)
        if known is None or known[0] == to:
            return result
        application.done(f"{known[0]} at the model's end {'removed' if to == 'none' else f'-> {to}'}")
        return _put(result, tensor, _ACTIVATIONS[to](known[1]))

    application.around("forward", around, within=True)


_ACTIVATIONS: dict[str, Any] = {
    "none": lambda x: x,
    "softmax": lambda x: x.softmax(-1 if x.dim() < 3 else 1),
    "sigmoid": lambda x: x.sigmoid(),
    "tanh": lambda x: x.tanh(),
    "softplus": lambda x: F.softplus(x) + 0.0,
}


def _put(result: Any, old: Any, new: Any) -> Any:
    """Return a result with one tensor replaced."""
    if result is old:
        return new
    if type(result) in (tuple, list):
        return type(result)(_put(item, old, new) for item in result)
    return {key: _put(item, old, new) for key, item in result.items()} if type(result) is dict else result


@change(
    "standardize-targets",
    zh="按首个训练批次的均值与标准差标准化目标；模型输出换算回原单位，评估用的损失与指标不变。",
    limits="For elementwise losses of torch and one output tensor; the training loss is in standardized units.",
    limits_zh="适用于 torch 的逐元素损失与单个输出张量；训练损失以标准化后的单位计。",
    rescales_loss=True,
    rules_out=("the scale of the targets", "目标值的尺度"),
)
def standardize_targets(application: ChangeApplication) -> None:
    """Train on targets with mean 0 and deviation 1; the model's outputs come back in the targets' own units."""
    application.never = "no elementwise loss of torch was called in training"
    scale = Scale()

    def forward(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = call(*args, **kwargs)
        tensor = first_tensor(result)
        if not scale.count or tensor is None or not tensor.is_floating_point():
            return result
        return _put(result, tensor, scale.original(tensor))

    def turn(kind: str, call: Call, named: dict[str, Any]) -> Any:
        target = named.get("target")
        if kind not in ELEMENTWISE or not isinstance(target, torch.Tensor) or not target.is_floating_point():
            application.refuse(f"{kind} is no elementwise loss on numbers")
            return call(**named)
        if not torch.is_grad_enabled():
            return call(**named)
        first = not scale.count
        if first:
            scale.take(target)
            application.done(f"targets standardized: {scale.words()}")
        output = named["input"] if first else scale.standard(named["input"])
        return call(**{**named, "input": output, "target": scale.standard(target)})

    application.around("forward", forward)
    with_loss(application, turn)
