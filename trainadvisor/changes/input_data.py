"""The inputs of the model: standardized, repaired, augmented."""

from typing import Any

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.continued_loaders import Continued
from trainadvisor.changes.applying.feature_scales import Scale
from trainadvisor.changes.applying.late_torch import nn, torch
from trainadvisor.changes.declaration import Fallback, Order, change

# Examples after which statistics are no longer updated.
ENOUGH = 2048


def with_input(application: ChangeApplication, turn: Any) -> None:
    """Replace the first floating-point tensor given to a model by `turn(model, tensor)`."""

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        model, *given = args
        for place, value in enumerate(given):
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                given[place] = turn(model, value)
                return call(model, *given, **kwargs)
        for name, value in kwargs.items():
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                return call(model, *given, **{**kwargs, name: turn(model, value)})
        application.refuse("the model is given no floating-point tensor")
        return call(*args, **kwargs)

    application.around("forward", around)


@change(
    "standardize-inputs",
    zh="用最初若干训练批次的均值与标准差逐特征标准化模型输入，训练与评估一致。",
    limits="Only the first floating-point input; its features are the last dimension, for images the channels.",
    limits_zh="仅处理第一个浮点输入；特征为最后一维，图像则为通道。",
    fallbacks=(Fallback(20, {}, keeps_finite=True),),
    does=("standardize the inputs", "将输入标准化"),
    rules_out=("the scale of the inputs", "输入的尺度"),
)
def standardize_inputs(application: ChangeApplication) -> None:
    """Standardize each feature of the inputs by the first training batches, in training and in evaluation."""
    scales: dict[int, Scale] = {}

    def turn(model: Any, value: Any) -> Any:
        scale = scales.setdefault(id(model), Scale())
        if scale.count < ENOUGH and (torch.is_grad_enabled() or not scale.count):
            scale.take(value)
            application.done(f"inputs standardized: {scale.words()}")
        return scale.standard(value)

    with_input(application, turn)


@change(
    "fix-preprocessing",
    zh="评估输入按其自身的均值与标准差换算到训练输入的尺度，使二者的预处理一致。",
    limits="It takes for granted that both are drawn alike, and cannot mend other differences.",
    limits_zh="前提是两者分布相同；无法修正其他差异。",
)
def fix_preprocessing(application: ChangeApplication) -> None:
    """Bring evaluation inputs to the scale of the training inputs, using the mean and deviation of each."""
    train: dict[int, Scale] = {}
    other: dict[int, Scale] = {}
    application.patient = True
    application.never = "no evaluation of the model was seen after a training step"

    def turn(model: Any, value: Any) -> Any:
        training = torch.is_grad_enabled()
        scale = (train if training else other).setdefault(id(model), Scale())
        if scale.count < ENOUGH:
            scale.take(value)
        if training or id(model) not in train:
            return value
        application.done(
            f"evaluation inputs ({scale.words()}) brought to the scale of training ({train[id(model)].words()})"
        )
        return train[id(model)].original(scale.standard(value))

    with_input(application, turn)


@change(
    "augmentation",
    zh="训练时随机平移图像（像素的八分之一以内）；noise 大于 0 时对输入加该比例的噪声。",
    limits="Without noise, for batches of images (N, C, H, W) only; no flips, which would turn digits into others.",
    limits_zh="不加噪声时仅适用于 (N, C, H, W) 图像批次；不做翻转，以免改变类别。",
    rescales_loss=True,
    alone=True,
)
def augmentation(application: ChangeApplication, *, noise: float = 0.0) -> None:
    """Shift training images at random by up to an eighth of their size; with `noise`, add noise to any inputs."""

    def turn(model: Any, value: Any) -> Any:
        if not (torch.is_grad_enabled() and model.training):
            return value
        if value.dim() != 4 and not noise:
            application.refuse(f"inputs of {value.dim()} dimensions are no images; give noise")
            return value
        if value.dim() == 4:
            value = _shifted(value)
        if noise:
            value = value + noise * value.std() * torch.randn_like(value)
        application.done(
            "training images are shifted at random" if not noise else f"noise of {noise:.2g} deviations added"
        )
        return value

    with_input(application, turn)


def _shifted(images: Any) -> Any:
    """Shift each image of a batch by its own offset; the border is repeated."""
    count, _, high, wide = images.shape
    down, right = max(1, high // 8), max(1, wide // 8)
    padded = nn.functional.pad(images, (right, right, down, down), mode="replicate")
    rows = torch.randint(0, 2 * down + 1, (count,)).tolist()
    columns = torch.randint(0, 2 * right + 1, (count,)).tolist()
    return torch.stack([p[:, r : r + high, c : c + wide] for p, r, c in zip(padded, rows, columns, strict=True)])


@change(
    "fix-data",
    zh="把模型输入中的 NaN 与无穷换成 0；脚本反复用 next(iter(loader)) 只取第一批时，让 DataLoader 接着往下取。",
    limits="Other faults of the data must be mended in the script.",
    limits_zh="数据的其他问题须在脚本中修正。",
    partial=True,
    alone=True,
    order=Order.BEHIND,
)
def fix_data(application: ChangeApplication, *, nonfinite: bool = True) -> None:
    """Replace NaN and infinity in inputs by zero; let a loader that is restarted for each batch continue instead."""
    application.around("epoch", Continued(application))
    application.patient = True
    application.never = (
        "every input is finite, no loader is begun anew for each batch, and nothing else can be mended from outside"
    )

    def turn(_: Any, value: Any) -> Any:
        bad = ~torch.isfinite(value)
        count = int(bad.sum())
        if not count or not nonfinite:
            return value
        application.done(f"zeros in the place of {count} non-finite inputs of a batch of {value.numel()}")
        return value.masked_fill(bad, 0.0)

    with_input(application, turn)
