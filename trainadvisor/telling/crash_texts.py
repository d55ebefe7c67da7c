"""What an exception that ended a training means, where torch's own message leaves people puzzled."""

from collections.abc import Mapping
from typing import Any

EXPLANATIONS: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
    (
        ("device-side assert", "Assertion `t >= 0", "Target ", "out of bounds"),
        {
            "en": "An index is out of range: a label outside 0..classes-1 or a token outside the vocabulary. Compare "
            "labels.max() with the model's number of outputs; on a GPU, run once with CUDA_LAUNCH_BLOCKING=1.",
            "zh": "索引越界：标签不在 0 到类别数减 1 之间，或词元超出词表。比较 labels.max() 与模型的输出个数；"
            "在 GPU 上可用 CUDA_LAUNCH_BLOCKING=1 或改在 CPU 上运行一次来定位。",
        },
    ),
    (
        ("out of memory", "OutOfMemoryError", "can't allocate memory"),
        {
            "en": "The memory is full: use a smaller batch with gradient accumulation, bf16 autocast or gradient "
            "checkpointing, and make sure that no loss is kept with its graph (total += loss.item()).",
            "zh": "显存或内存不足：减小批大小并用梯度累积，或使用 bf16 自动混合精度、梯度检查点；"
            "并确认没有连同计算图一起保存损失（应写 total += loss.item()）。",
        },
    ),
    (
        ("shapes cannot be multiplied", "size mismatch", "must match the size", "Expected input batch_size"),
        {
            "en": "Two tensors do not fit together: print the shapes right before the line; often a flatten is "
            "missing, the input size of the first linear layer is wrong, or the last batch is smaller.",
            "zh": "两个张量形状不匹配：在该行之前打印形状；"
            "常见原因是缺少 flatten、第一个全连接层的输入维度写错，或最后一个批次较小。",
        },
    ),
    (
        ("does not require grad", "element 0 of tensors"),
        {
            "en": "The loss is not connected to any parameter: it was detached, converted with .item(), or computed "
            "under no_grad.",
            "zh": "损失与任何参数都没有连接：它被 detach、用 .item() 转换过，或者是在 no_grad 中计算的。",
        },
    ),
)


def explanation(exception: Mapping[str, Any], lang: str) -> str | None:
    """Return what the exception means and what to do, for the kinds that need saying."""
    text = f"{exception['type']} {exception['message']}"
    return next((texts[lang] for words, texts in EXPLANATIONS if any(word in text for word in words)), None)
