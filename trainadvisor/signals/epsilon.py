"""An epsilon that the number type of the weights rounds to zero."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.trained_parameters import all_parameters, elements

# Half of the smallest number above zero: what is below is rounded to zero.
_HALF_OF_SMALLEST = {"float16": 2.0**-25, "bfloat16": 2.0**-134, "float32": 2.0**-150}


@signal(
    unit="share",
    needs="the optimizers and the types of the parameters",
    zh="优化器以及参数的数据类型",
    about="no-half-precision",
)
def eps_underflow_share(log: RunLog) -> float | None:
    """Share of the optimizers' elements whose type rounds the group's epsilon to zero; 0 for those without one."""
    facts = all_parameters(log)
    groups = [group for optimizer in log.optimizers for group in optimizer["groups"]]
    held = [(facts[key], group) for group in groups for key in group["parameters"] if key in facts]
    if not held:
        return None
    lost = [fact for fact, group in held if _rounded_away(fact, number(group.get("eps")))]
    return elements(lost) / elements([fact for fact, _ in held])


def _rounded_away(fact: dict[str, Any], eps: float | None) -> bool:
    smallest = _HALF_OF_SMALLEST.get(str(fact.get("dtype")))
    return eps is not None and smallest is not None and 0 < eps < smallest


@signal(unit="truth", needs="a run with trainadvisor run", zh="用 trainadvisor run 运行")
def weights_broke_first(log: RunLog) -> bool | None:
    """Whether weights became NaN or infinite while inputs and gradients were finite."""
    if log.header.get("source", "recorder") != "recorder":
        return None
    first: dict[str, int] = {}
    for event in log.events:
        if event["kind"] == "nonfinite":
            first.setdefault(event["subject"], event["step"])
    broke = first.get("parameter")
    return broke is not None and all(first.get(subject, broke) >= broke for subject in ("input", "gradient"))
