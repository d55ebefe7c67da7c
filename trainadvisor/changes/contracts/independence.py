"""Test: the answer for one example does not depend on the other examples of its batch."""

from typing import Any

from trainadvisor.changes.applying.late_torch import private_torch, torch
from trainadvisor.changes.contracts.case import Case
from trainadvisor.changes.contracts.contract import FAILED, PASSED, Outcome, contract
from trainadvisor.changes.contracts.untestable import Untestable

# Share of the own gradient below which a gradient is rounding.
_NOTHING = 1e-6


@contract(
    "independence",
    severity="error",
    order=10,
    what=(
        "the gradient of the answer for one example with respect to the other examples of its batch, in eval mode",
        "eval 模式下，一个样本的输出对同批其他样本的梯度",
    ),
    says={
        "passed": (
            "the answer for one example has no gradient from the {others} others: examples are independent",
            "每个样本的输出不依赖同批其他 {others} 个样本",
        ),
        "failed": (
            (
                "the answer for one example has a gradient from {touched} of the {others} others "
                "({share:.2g} of its own): examples are mixed"
            ),
            "一个样本的输出对其余 {others} 个样本中的 {touched} 个有梯度（为自身的 {share:.2g}）：样本被混在一起",
        ),
        "failed.statistics": (
            (
                "the answer for one example has a gradient from {touched} of the {others} others: {layer} uses the "
                "statistics of the batch in eval mode"
            ),
            "一个样本的输出对其余 {others} 个样本中的 {touched} 个有梯度：{layer} 在 eval 模式下仍使用批次统计量",
        ),
    },
)
def independence(case: Case) -> Outcome:
    """Differentiate the answer for the last example: a recurrence over the examples comes to it from all others."""
    count = case.examples()
    called: list[Any] = []
    by_batch = {module: name for name, module in case.model.named_modules() if _by_batch(module)}
    handles = [module.register_forward_hook(lambda module, *_: called.append(module)) for module in by_batch]
    answer, leaves = case.traced()
    for handle in handles:
        handle.remove()
    mine = answer.reshape(count, -1)[-1]
    weights = torch.linspace(0.5, 1.5, mine.numel(), dtype=mine.dtype, device=mine.device)
    found: tuple[Any, ...] = torch.autograd.grad((mine * weights).sum(), leaves, allow_unused=True)
    rows = [gradient.abs().flatten(1).amax(1) for gradient in found if gradient is not None]
    if not rows or not any(float(row.max()) for row in rows):
        raise Untestable("no gradient reaches the inputs", "没有梯度到达输入")
    size = torch.stack([row.double() for row in rows]).amax(0)
    own, others = float(size[-1]), size[:-1]
    touched = int((others > _NOTHING * max(own, float(others.max()))).sum())
    if not touched:
        return Outcome(PASSED, figures={"others": count - 1})
    # a whole answer of one other row is a new order, which embeddings of sorted sequences see before it is undone
    moved = touched == 1 and own <= _NOTHING * float(others.max())
    if moved and not any(tensor.is_floating_point() for tensor in case.inputs()):
        raise Untestable("the model sorts its examples before it embeds them", "模型在嵌入之前对样本重新排序")
    layer = next((by_batch[module] for module in called), None)
    figures = {
        "others": count - 1,
        "touched": touched,
        "layer": layer,
        "share": float(others.max()) / own if own else 0.0,
    }
    return Outcome(FAILED, "statistics" if layer is not None else "", figures)


def _by_batch(module: object) -> bool:
    return isinstance(module, private_torch.BATCH_NORM) and module.running_mean is None
