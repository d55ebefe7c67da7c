"""Test: the same batch gives the same answer twice in eval mode."""

from typing import Any

from trainadvisor.changes.contracts.case import Case, rounding
from trainadvisor.changes.contracts.contract import FAILED, PASSED, Outcome, contract
from trainadvisor.changes.contracts.untestable import Untestable

_DROPPING = ("dropout", "bernoulli")
_DRAWING = ("rand", "normal", "uniform", "exponential", "multinomial", "poisson")


@contract(
    "determinism",
    severity="warning",
    order=30,
    what=("the same batch twice, in eval mode", "eval 模式下把同一批次输入两次"),
    says={
        "passed": (
            "the same batch gives the same answer twice: nothing is drawn in eval mode",
            "同一批次两次输出相同：eval 模式下没有随机性",
        ),
        "failed": (
            (
                "the same batch gives answers that differ by {share:.0%} of their spread: units are still dropped "
                "in eval mode ({operation})"
            ),
            "同一批次两次输出之差为其离散程度的 {share:.0%}：eval 模式下仍在随机丢弃（{operation}）",
        ),
    },
)
def determinism(case: Case) -> Outcome:
    """Run the batch twice and look at what is called."""
    calls = _calls()
    first, second = case.plain(), None
    with calls:
        second = case.plain()
    if first.shape != second.shape:
        raise Untestable("its answers differ in shape from call to call", "每次调用的输出形状不同")
    difference = float((first - second).abs().max())
    if difference <= rounding(first):
        return Outcome(PASSED)
    dropped = next((name for name in calls.names if any(word in name for word in _DROPPING)), None)
    if dropped is None:
        drawn = next((name for name in calls.names if any(word in name for word in _DRAWING)), None)
        if drawn is not None:
            raise Untestable(f"its forward draws random numbers ({drawn})", f"其前向过程会抽取随机数（{drawn}）")
        raise Untestable("it keeps a state from call to call", "它在多次调用之间保留状态")
    spread = float(first.std()) if first.numel() > 1 else abs(float(first))
    return Outcome(FAILED, figures={"share": difference / max(spread, 1e-12), "operation": dropped})


def _calls() -> Any:
    """Return a context that keeps the names of the operations that are called in it."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.names: dict[str, None] = {}

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = str(func).removeprefix("aten.").partition(".")[0]
            if "dot_product_attention" in name and any(isinstance(a, float) and 0 < a < 1 for a in args):
                name = f"{name} with dropout"
            self.names[name] = None
            return func(*args, **(kwargs or {}))

    return Calls()
