"""The learning rate: scaled, warmed up, scheduled, and how often the script's scheduler steps."""

import math
from collections.abc import Callable
from typing import Any, Literal

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.late_torch import torch
from trainadvisor.changes.declaration import Fallback, Run, change
from trainadvisor.changes.line_edits import Arguments, Made, SetArgument, short


def scale_at_steps(application: ChangeApplication, factor: Callable[[Any], float]) -> None:
    """Multiply the rates of an optimizer by `factor(optimizer)` during each step.

    Rates that are set in between, by a scheduler or the script itself, are thus multiplied too.
    """

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        groups = args[0].param_groups
        scale, own = factor(args[0]), [group.get("lr") for group in groups]
        for group, rate in zip(groups, own, strict=True):
            if rate is not None:
                group["lr"] = rate * scale
        try:
            return call(*args, **kwargs)
        finally:
            for group, rate in zip(groups, own, strict=False):
                group["lr"] = rate

    application.around("step", around)


def highest(optimizer: Any) -> float:
    """Return the highest rate of an optimizer's groups."""
    return max((float(group["lr"]) for group in optimizer.param_groups if group.get("lr") is not None), default=0.0)


def intended(optimizer: Any) -> float:
    """Return the rate that the script asks for, regardless of the current position of its schedule."""
    rates = [float(group.get("max_lr", group.get("initial_lr", group["lr"]))) for group in optimizer.param_groups]
    return max(rates, default=0.0)


def _new_rate(arguments: Arguments, made: Made) -> str | None:
    groups = made.get("groups") or []
    if len(groups) != 1:
        return None
    value, factor, present = arguments.get("value"), arguments.get("factor"), groups[0].get("lr")
    if value is None and isinstance(factor, int | float) and isinstance(present, int | float):
        value = present * factor
    return None if value is None else short(value)


def _set_rate(arguments: Arguments, run: Run) -> dict[str, Any]:
    value, factor, present = arguments.get("value"), arguments.get("factor"), run.get("lr")
    if value is None and isinstance(factor, int | float) and isinstance(present, int | float):
        value = present * factor
    return {} if value is None else {"lr": value}


@change(
    "lr",
    zh="将学习率乘以 factor，或改为 value（各参数组保持原有比例），调度器与脚本中的手动赋值同样生效。",
    limits="Not for optimizers without a learning rate.",
    limits_zh="不适用于没有学习率的优化器。",
    acts_after_first_step=True,
    both_ways=({"factor": 1 / 3}, {"factor": 3.0}),
    fallbacks=(
        Fallback(10, {"factor": 0.1}, keeps_finite=True),
        Fallback(60, {"factor": 10.0}, keeps_finite=True),
    ),
    edits=(SetArgument("optimizer", "lr", _new_rate),),
    sets=_set_rate,
    does=("change the learning rate by a factor of {factor}", "将学习率乘以 {factor}"),
    rules_out=("the learning rate", "学习率"),
)
def lr(application: ChangeApplication, *, factor: float | None = None, value: float | None = None) -> None:
    """Multiply the learning rate by `factor`, or set it to `value`, through schedules and assignments of the script.

    Parameter groups keep their proportions.
    """
    if (factor is None) == (value is None):
        application.refuse("it takes either factor or value")
        return
    factors: dict[int, float] = {}

    def scale(optimizer: Any) -> float:
        if id(optimizer) not in factors:
            rate = intended(optimizer)
            factors[id(optimizer)] = factor if factor is not None else (value or 0.0) / rate if rate else 1.0
            by = factors[id(optimizer)]
            application.done(f"learning rate {rate:.4g} -> {rate * by:.4g} in {type(optimizer).__name__}")
        return factors[id(optimizer)]

    scale_at_steps(application, scale)


@change(
    "warmup",
    zh="前 steps 步内学习率从零线性升到脚本设定的值；如果脚本自身的预热更长，则取代之。",
    limits="A schedule of the script that starts far below its own rate is taken for a warm-up, and replaced.",
    limits_zh="脚本的调度若从远低于设定值处开始，会被视为预热并被取代。",
    acts_after_first_step=True,
    rules_out=("the first steps of the schedule", "学习率预热"),
)
def warmup(application: ChangeApplication, *, steps: int = 100) -> None:
    """Raise the learning rate linearly over the first steps; it replaces a longer warm-up of the script."""
    taken: dict[int, int] = {}
    own: dict[int, bool] = {}

    def scale(optimizer: Any) -> float:
        key, rate, now = id(optimizer), intended(optimizer), highest(optimizer)
        step = taken[key] = taken.get(key, -1) + 1
        if key not in own:
            own[key] = now < 0.5 * rate
            how = "in place of the script's own warm-up" if own[key] else "before the script's own schedule"
            application.done(f"linear warm-up to {rate:.4g} over {steps} steps, {how}")
        ramp = min(1.0, (step + 1) / max(1, steps))
        return ramp * rate / now if own[key] and now else ramp

    scale_at_steps(application, scale)


ScheduleName = Literal["cosine", "one-cycle", "plateau"]


@change(
    "schedule",
    zh="以新的调度取代脚本的调度：余弦、单周期（one-cycle）或在停滞时减半（plateau），steps 为总步数。",
    limits="Cosine and one-cycle need the number of steps of the run; beyond it the rate stays at its end.",
    limits_zh="余弦与 one-cycle 需要总步数；超过之后学习率保持在末值。",
    acts_after_first_step=True,
    rules_out=("the learning-rate schedule", "学习率调度"),
)
def schedule(
    application: ChangeApplication,
    *,
    name: ScheduleName | None = None,
    to: ScheduleName | None = None,
    steps: int | None = None,
) -> None:
    """Replace the script's learning-rate schedule: cosine, one-cycle, or halved on a plateau."""
    kind = name or to or "cosine"
    length = steps or application.session.planned_steps
    endless = kind == "plateau"
    if not endless and not length:
        application.refuse(f"a {kind} schedule needs the number of steps; give steps")
        return
    curve = Plateau(application) if endless else _CURVES[kind](length or 1)
    taken: dict[int, int] = {}
    peaks: dict[int, float] = {}

    def scale(optimizer: Any) -> float:
        key, now = id(optimizer), highest(optimizer)
        peak = peaks.setdefault(key, intended(optimizer) * (10 if kind == "one-cycle" else 1))
        step = taken[key] = taken.get(key, -1) + 1
        application.done(f"{kind} schedule from {peak:.4g}" + (f" over {length} steps" if not endless else ""))
        return peak * curve(step) / now if now else 1.0

    scale_at_steps(application, scale)


def _cosine(length: int) -> Callable[[int], float]:
    return lambda step: 0.5 * (1 + math.cos(math.pi * min(1.0, step / length)))


def _one_cycle(length: int) -> Callable[[int], float]:
    """Return the shape of torch's OneCycleLR: up from 1/25 over 30 % of the run, then down to almost 0, by cosines."""
    top = 0.3 * length

    def at(step: int) -> float:
        if step < top:
            return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * step / top))
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - top) / (length - top))))

    return at


_CURVES = {"cosine": _cosine, "one-cycle": _one_cycle}


class Plateau:
    """Halves the rate when the mean loss of a window of steps is not lower than that of the previous window."""

    def __init__(self, application: ChangeApplication, window: int = 50) -> None:
        self.window, self.factor = window, 1.0
        self._losses: list[float] = []
        self._last = math.inf
        application.when("trained", self._note)

    def _note(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        loss = args[0] if args else kwargs.get("tensors")
        if isinstance(loss, torch.Tensor) and loss.numel() == 1:
            self._losses.append(float(loss.detach()))

    def __call__(self, _: int) -> float:
        """Return the current factor."""
        if len(self._losses) >= self.window:
            mean = sum(self._losses) / len(self._losses)
            self.factor *= 0.5 if mean > 0.99 * self._last else 1.0
            self._last, self._losses = min(mean, self._last), []
        return self.factor


@change(
    "scheduler-step",
    zh="无论脚本何时调用 scheduler.step()，只在每个 epoch（或每步）推进一次调度。",
    limits="Epochs are passes over a DataLoader; for per = epoch there must be one.",
    limits_zh="epoch 指对 DataLoader 的一次遍历；per = epoch 时必须有 DataLoader。",
    acts_after_first_step=True,
)
def scheduler_step(application: ChangeApplication, *, per: Literal["epoch", "step"] = "epoch") -> None:
    """Step the script's scheduler once per epoch (or per step), however often the script itself does."""
    waiting: dict[int, tuple[Call, tuple[Any, ...], dict[str, Any]]] = {}
    application.patient = True
    application.never = "no scheduler was stepped" if per == "step" else "no scheduler was stepped within an epoch"

    def hold(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        waiting[id(args[0])] = (call, args, kwargs)
        if per == "step" and application.what is None:
            application.done(f"{type(args[0]).__name__} stepped after every optimizer step")

    def release(*_: object) -> None:
        for call, args, kwargs in waiting.values():
            call(*args, **kwargs)
            application.done(f"{type(args[0]).__name__} stepped once an epoch")
        waiting.clear()

    def each(*_: object) -> None:
        for call, args, kwargs in waiting.values():
            call(*args, **kwargs)

    application.around("scheduler_step", hold)
    if per == "epoch":
        application.when("train_epoch", release)
    else:
        application.when("stepped", each)
