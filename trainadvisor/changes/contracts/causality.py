"""Test: a model that is taught the next element of a sequence does not see it."""

from typing import Any

from trainadvisor.changes.applying.late_torch import torch
from trainadvisor.changes.contracts.case import Case
from trainadvisor.changes.contracts.contract import FAILED, PASSED, Outcome, contract
from trainadvisor.changes.contracts.untestable import Untestable

_SHORTEST = 4
_NOTHING = 1e-6


@contract(
    "causality",
    severity="error",
    order=20,
    what=(
        (
            "the gradient of the answer at one place of a sequence with respect to the later places, where the next "
            "element is taught"
        ),
        "在学习预测下一个元素时，序列某处的输出对其后位置的梯度",
    ),
    says={
        "passed": (
            (
                "the answer at place {place} of {length} has no gradient from later places: what is predicted "
                "is not seen"
            ),
            "第 {place}/{length} 处的输出对其后位置没有梯度：模型看不到它要预测的内容",
        ),
        "failed": (
            (
                "the answer at place {place} of {length} has a gradient from {touched} later places, the next of "
                "which is its label: a mask is missing"
            ),
            "第 {place}/{length} 处的输出对其后 {touched} 个位置有梯度，而下一个位置就是它的标签：缺少掩码",
        ),
    },
)
def causality(case: Case) -> Outcome:
    """Differentiate the answer in the middle of the sequence."""
    tokens = case.inputs()[0]
    if tokens.ndim < 2 or tokens.shape[1] < _SHORTEST or not case.teaches_next():
        raise Untestable("it is not taught the next element of a sequence", "它学习的不是预测序列的下一个元素")
    answer, leaves = case.traced()
    count, length = tokens.shape[:2]
    if answer.numel() % (count * length):
        raise Untestable("the answer has not one place for each element", "输出与序列位置不是一一对应")
    place = length // 2 - 1
    picked = answer.reshape(count, length, -1)[:, place]
    weights = torch.linspace(0.5, 1.5, picked[0].numel(), dtype=picked.dtype, device=picked.device)
    found: tuple[Any, ...] = torch.autograd.grad((picked * weights).sum(), leaves, allow_unused=True)
    along = [g.abs() for g in found if g is not None and g.ndim > 2 and g.shape[:2] == tokens.shape[:2]]
    if not along:
        raise Untestable("no gradient reaches the places of the sequence", "没有梯度到达序列的各个位置")
    size = torch.stack([g.flatten(2).amax(2).amax(0).double() for g in along]).amax(0)
    touched = int((size[place + 1 :] > _NOTHING * float(size.max())).sum())
    figures = {"place": place + 1, "length": length, "touched": touched}
    return Outcome(FAILED if touched else PASSED, figures=figures)
