"""Uses the weights of an earlier step, or an average over many steps, instead of the last ones."""

import copy
import math
from typing import Any

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.late_torch import torch
from trainadvisor.changes.declaration import change

# Evaluations without improvement after which training stops.
PATIENCE = 3


@change(
    "early-stopping",
    zh="验证损失连续 3 次未改善（或到第 step 步）后停止更新并保留最好的权重；average 为真时评估权重的滑动平均。",
    limits="Evaluations are known by torch.no_grad() and a loss of torch; the script itself runs on to its end.",
    limits_zh="以 torch.no_grad() 下由 torch 计算的损失识别评估；脚本本身仍会运行到结束。",
    acts_after_first_step=True,
    may_end_early=True,
    alone=True,
    per_run=True,
)
def early_stopping(
    application: ChangeApplication, *, step: int | None = None, average: bool = False, decay: float = 0.99
) -> None:
    """Stop updating when the evaluation loss no longer falls (or at a step), and keep the best weights.

    With `average`, evaluations see a moving average of the weights.
    """
    application.patient = True
    if average:
        _Averaged(application, decay)
    elif step is not None:
        _stop_at(application, step)
    else:
        _Best(application)


def _stop_at(application: ChangeApplication, step: int) -> None:
    application.never = f"the training ended before step {step}"
    kept: dict[int, Any] = {}

    def hold(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if application.session.steps < step:
            return call(*args, **kwargs)
        if not kept:
            kept.update(_copies(application))
            application.done(f"no updates from step {step} on")
        return None

    application.around("step", hold)
    _restored_before_evaluation(application, kept)


def _copies(application: ChangeApplication) -> dict[int, Any]:
    return {id(model): copy.deepcopy(model.state_dict()) for model in application.session.models}


def _restored_before_evaluation(application: ChangeApplication, kept: dict[int, Any]) -> None:
    """Restore saved weights (and running statistics) before each call of a model without gradients."""

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        model = args[0]
        if id(model) in kept and not torch.is_grad_enabled():
            with application.session.unseen():
                model.load_state_dict(kept[id(model)])
        return call(*args, **kwargs)

    application.around("forward", around)


class _Best:
    """Watches the evaluation losses, and keeps the best weights once they no longer improve."""

    def __init__(self, application: ChangeApplication) -> None:
        self._application, self._best, self._since = application, math.inf, 0
        self._losses: list[float] = []
        self._candidate: dict[int, Any] = {}
        self._kept: dict[int, Any] = {}
        application.never = "no evaluation with a loss of torch was seen, or it improved to the end"
        application.around("loss", self._note)
        application.around("step", self._step)
        application.when("backward", self._judge)
        _restored_before_evaluation(application, self._kept)

    def _note(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = call(*args, **kwargs)
        if not torch.is_grad_enabled() and isinstance(result, torch.Tensor) and result.numel() == 1:
            self._losses.append(float(result))
        return result

    def _judge(self, *_: object) -> None:
        """Judge the last evaluation, now that training has resumed."""
        if not self._losses or self._kept:
            return
        loss, self._losses = sum(self._losses) / len(self._losses), []
        if loss < self._best:
            self._best, self._since, self._candidate = loss, 0, _copies(self._application)
            return
        self._since += 1
        if self._since >= PATIENCE and self._candidate:
            self._kept.update(self._candidate)
            where = f"stopped at step {self._application.session.steps}"
            self._application.done(f"{where}: best weights (evaluation loss {self._best:.4g}) kept from there on")

    def _step(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return None if self._kept else call(*args, **kwargs)


class _Averaged:
    """Keeps a moving average of the weights, which evaluations see."""

    def __init__(self, application: ChangeApplication, decay: float) -> None:
        self._application, self._decay = application, decay
        self._average: dict[int, Any] = {}
        self._own: list[tuple[Any, Any]] = []
        application.never = "no evaluation was seen"
        application.when("stepped", self._follow)
        application.around("forward", self._forward)

    def _follow(self, optimizer: Any) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                known = self._average.setdefault(id(parameter), (parameter, parameter.detach().clone()))
                known[1].lerp_(parameter.detach(), 1 - self._decay)

    def _forward(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if torch.is_grad_enabled() or not self._average:
            return call(*args, **kwargs)
        own = [(p, p.detach().clone()) for p, _ in self._average.values()]
        with torch.no_grad():
            for parameter, average in self._average.values():
                parameter.copy_(average)
            result = call(*args, **kwargs)
            for parameter, before in own:
                parameter.copy_(before)
        self._application.done(f"evaluations see a moving average of the weights (decay {self._decay:.3g})")
        return result
