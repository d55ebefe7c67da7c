"""What was out of the recorder's sight in a training, and which checks that switches off."""

TEXTS: dict[str, dict[str, str]] = {
    "compiled": {
        "en": "The model is compiled: what its layers compute is not seen, so the checks of activations are off; for "
        "them, record some hundred steps without torch.compile.",
        "zh": "模型已被编译：看不到各层的计算结果，因此激活值相关的检查已关闭；需要时可去掉 torch.compile 记录几百步。",
    },
    "meta": {
        "en": "The model is on the meta device, where tensors have no values: loss, gradients and layers are not "
        "recorded.",
        "zh": "模型位于 meta 设备上，张量没有数值：不记录损失、梯度和各层数据。",
    },
    "backward": {
        "en": "The optimizer steps with gradients that no backward call has set (torch.func, or set by hand): their "
        "norm is recorded, the loss and the layers are not; hand the loss over with advisor.step(loss).",
        "zh": "优化器使用的梯度不是由 backward 得到的（来自 torch.func 或手动设置）：会记录其范数，"
        "但不记录损失和各层数据；可用 advisor.step(loss) 传入损失。",
    },
    "evaluations": {
        "en": "A step of the optimizer is several (LBFGS): the loss is their mean, and how far a single one moves the "
        "weights is not recorded.",
        "zh": "优化器的一步包含多次求值（LBFGS）：损失为其平均值，不记录单次更新的幅度。",
    },
    "forward": {
        "en": "No model was called in sight (the step is compiled as a whole, or weights are used without a module): "
        "inputs and layers are not recorded.",
        "zh": "没有观察到任何模型被调用（整个训练步骤被编译，或直接使用权重而没有模块）：不记录输入和各层数据。",
    },
}


def told(subject: str, lang: str) -> str | None:
    """Return the sentence about a kind of thing that was out of sight, None for kinds that need none."""
    texts = TEXTS.get(subject)
    return texts.get(lang, texts["en"]) if texts else None
