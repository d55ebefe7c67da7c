"""Optimizers that are made anew for the same parameters go on with the moments of the one before."""

from typing import Any

from trainadvisor.changes.applying.change_application import ChangeApplication
from trainadvisor.changes.declaration import change


@change(
    "keep-optimizer",
    zh="为同一批参数重新创建的优化器，接着使用前一个的动量与二阶矩。",
    limits="Only where the script makes an optimizer of the same class again for the same parameters.",
    limits_zh="仅适用于脚本为同一批参数再次创建同类优化器的情形。",
    acts_after_first_step=True,
)
def keep_optimizer(application: ChangeApplication) -> None:
    """Let an optimizer that is made again for the same parameters go on with the state of the one before."""
    application.patient = True
    application.never = "no optimizer is made a second time for the same parameters"
    states: dict[Any, Any] = {}

    def go_on(made: Any) -> None:
        key = type(made), frozenset(id(p) for group in made.param_groups for p in group["params"])
        if key in states:
            made.state = states[key]
            application.done(f"the next {type(made).__name__} for the same parameters keeps the moments")
        states[key] = made.state

    application.when("optimizer", go_on)
