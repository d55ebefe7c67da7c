"""Tests: the answer depends on the input, on the order of a sequence, and on the scale of the numbers."""

from typing import Any

from trainadvisor.changes.applying.late_torch import torch
from trainadvisor.changes.contracts.case import Case, rounding
from trainadvisor.changes.contracts.contract import FAILED, PASSED, Outcome, contract
from trainadvisor.changes.contracts.untestable import Untestable

_SHORTEST = 4
_TEN = 10.0


@contract(
    "input-used",
    severity="error",
    order=40,
    what=("the examples of the batch exchanged with one another", "把批次中的样本互换"),
    says={
        "passed": (
            "with the examples exchanged, the answers change by {share:.2g} of their size: the input is used",
            "样本互换后，输出变化幅度为原来的 {share:.2g} 倍：使用了输入",
        ),
        "failed": (
            "with the examples exchanged, every answer stays the same: the input is not used",
            "样本互换后，所有输出都不变：输入没有被用到",
        ),
    },
)
def input_used(case: Case) -> Outcome:
    """Give each place the example before it."""
    count = case.examples()
    if not any(bool((t != t.roll(1, 0)).any()) for t in case.inputs() if t.shape[0] == count):
        raise Untestable("the examples are all the same", "所有样本都相同")
    plain = case.steady()
    return _compared(plain, case.changed(lambda t: t.roll(1, 0) if t.ndim and t.shape[0] == count else t))


@contract(
    "order-used",
    severity="note",
    order=50,
    what=("the places of each sequence in another order", "打乱每个序列中各位置的顺序"),
    says={
        "passed": (
            (
                "with the places of each sequence in another order, the answers change by {share:.2g} of their "
                "size: the order is used"
            ),
            "打乱序列顺序后，输出变化幅度为原来的 {share:.2g} 倍：依赖顺序",
        ),
        "failed": (
            (
                "with the places of each sequence in another order, the answers stay the same: the model is blind "
                "to order; without positions an attention takes a sequence for a set"
            ),
            "打乱序列顺序后，输出不变：模型不区分顺序；没有位置编码时，注意力把序列当作集合",
        ),
    },
)
def order_used(case: Case) -> Outcome:
    """Turn every sequence round, and the answers too where they have a place for each element."""
    first = case.inputs()[0]
    sequence = first.ndim == 3 or (first.ndim == 2 and not first.is_floating_point())
    if not sequence or first.shape[1] < _SHORTEST:
        raise Untestable("its input is not a sequence", "其输入不是序列")
    count, length = case.examples(), first.shape[1]
    order = torch.arange(length - 1, -1, -1, device=first.device)

    def turned(tensor: Any) -> Any:
        along = tensor.ndim > 1 and tensor.shape[0] == count and tensor.shape[1] == length
        return tensor[:, order] if along else tensor

    plain, other = case.steady(), case.changed(turned)
    if plain.ndim > 2 and plain.shape[1] == length:
        other = other[:, order]
    return _compared(_differing(plain), other)


@contract(
    "scale",
    severity="note",
    order=60,
    what=("the numbers of the input multiplied by ten", "把输入数值放大十倍"),
    says={
        "passed": (
            "with the input multiplied by ten, the answers change by {share:.2g} times their size: its scale counts",
            "输入放大十倍后，输出变化幅度为原来的 {share:.2g} 倍：输入的尺度有影响",
        ),
        "failed": (
            "with the input multiplied by ten, the answers stay the same: the model scales its input by itself",
            "输入放大十倍后，输出不变：模型自行对输入做了缩放",
        ),
    },
)
def scale(case: Case) -> Outcome:
    """Multiply the floating inputs by ten."""
    if not any(tensor.is_floating_point() for tensor in case.inputs()):
        raise Untestable("its inputs are whole numbers", "其输入为整数")
    plain = _differing(case.steady())
    return _compared(plain, case.changed(lambda t: t * _TEN if t.is_floating_point() else t))


def _differing(answers: Any) -> Any:
    """Return the answers; where they are the same for every example, nothing that is done to the input could show."""
    if answers.ndim and answers.shape[0] > 1 and float((answers - answers[:1]).abs().max()) <= rounding(answers):
        raise Untestable("the answer is the same for every input", "无论输入什么，输出都一样")
    return answers


def _compared(plain: Any, other: Any) -> Outcome:
    difference = float((plain - other).abs().max())
    size = float(plain.abs().max())
    figures = {"share": difference / size if size else 0.0}
    return Outcome(FAILED if difference <= rounding(plain) else PASSED, figures=figures)
