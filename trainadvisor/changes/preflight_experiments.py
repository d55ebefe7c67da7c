"""Experiments, which test a training instead of fixing it: repeating one batch, and a sweep of the learning rate."""

import copy
from collections import Counter
from typing import Any

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.late_torch import private_torch, torch
from trainadvisor.changes.declaration import change
from trainadvisor.instrument.patching import graft
from trainadvisor.interruptions import from_handler

Arguments = tuple[Any, ...]
Named = dict[str, Any]


@change(
    "one-batch",
    zh="自始至终只用第一个训练批次：健全的模型应能把它背下来。",
    limits="Without a DataLoader the inputs and targets of the first step are repeated, which takes a loss function of "
    "torch that is given the targets.",
    limits_zh="没有 DataLoader 时重复第一步的输入和目标，这要求目标经由 torch 的损失函数传入。",
)
def one_batch(application: ChangeApplication) -> None:
    """Give the training its first batch over and over: a healthy model can memorize it."""
    experiment = _OneBatch(application)
    application.session.undo_with(graft(private_torch.loader_iterator.__next__, experiment.batch))
    application.around("forward", experiment.forward)
    application.around("loss", experiment.loss)
    application.when("stepped", experiment.stepped)


class _OneBatch:
    """What is kept of the first step, and how often it replaced later values."""

    def __init__(self, application: ChangeApplication) -> None:
        self._application = application
        self._loaded: dict[tuple[int, object], Any] = {}
        self._datasets: list[object] = []
        self._kept: dict[tuple[str, int], Any] = {}
        self._calls: Counter[str] = Counter()
        self._replaced: Counter[str] = Counter()

    def batch(self, original: Call, args: Arguments, kwargs: Named) -> Any:
        """Advance the loader, but return a copy of its first batch."""
        batch = original(*args, **kwargs)
        dataset = private_torch.dataset_of(args[0])
        key = id(dataset), private_torch.batch_size_of(args[0])
        if key not in self._loaded:
            self._loaded[key] = _copied(batch)
            self._datasets.append(dataset)  # while it is alive, no other object can have its id
        return _copied(self._loaded[key])

    def forward(self, call: Call, args: Arguments, kwargs: Named) -> Any:
        """Give a model the inputs of the same call in the first step."""
        inputs, named = self._held("inputs", (args[1:], kwargs))
        return call(args[0], *inputs, **named)

    def loss(self, call: Call, args: Arguments, kwargs: Named) -> Any:
        """Give a loss function the target of the same call in the first step."""
        if len(args) > 1:
            args = (args[0], self._held("targets", args[1]), *args[2:])
        elif "target" in kwargs:
            kwargs = {**kwargs, "target": self._held("targets", kwargs["target"])}
        return call(*args, **kwargs)

    def stepped(self, *_: object) -> None:
        """Restart the count of calls for a new step; after the second step it is known what could be repeated."""
        self._calls.clear()
        if self._loaded:
            self._application.done("every loader gives its first batch again and again")
        elif self._replaced["inputs"] and self._replaced["targets"]:
            self._application.done("the inputs and targets of the first step are given again and again")
        elif self._application.session.steps > 1:
            self._application.refuse("no DataLoader feeds it, and no loss function of torch is given its targets")

    def _held(self, what: str, given: Any) -> Any:
        """Return the arguments of the same call in the first step; tensors of this step's graph are kept."""
        if self._loaded or not torch.is_grad_enabled():
            return given
        self._calls[what] += 1
        key = what, self._calls[what]
        if any(tensor.requires_grad for tensor in _tensors(given)):
            return given
        if key not in self._kept:
            self._kept[key] = _copied(given)
            return given
        self._replaced[what] += 1
        return _copied(self._kept[key])


@change(
    "lr-range",
    zh="让学习率逐步按几何级数升高，不受脚本自身调度的影响：学习率范围测试。",
    limits="An optimizer whose rate is not in its parameter groups does not feel it.",
    limits_zh="学习率不在参数组中的优化器不受影响。",
)
def lr_range(application: ChangeApplication, *, lowest: float = 1e-6, highest: float = 10.0, steps: int = 100) -> None:
    """Raise the learning rate from step to step, regardless of the script's schedule: a range test."""
    taken: Counter[int] = Counter()

    def step(call: Call, args: Arguments, kwargs: Named) -> Any:
        groups = args[0].param_groups
        own = [group.get("lr") for group in groups]
        if any(rate is None for rate in own):
            application.refuse("a parameter group of the optimizer has no learning rate")
            return call(*args, **kwargs)
        part = min(taken[id(args[0])] / max(steps - 1, 1), 1.0)
        _set_rates(groups, _raised([float(rate) for rate in own], lowest * (highest / lowest) ** part))
        taken[id(args[0])] += 1
        application.done(f"the learning rate rises from {lowest:g} to {highest:g} over {steps} steps")
        try:
            return call(*args, **kwargs)
        finally:
            _set_rates(groups, own)  # for the scheduler, which continues from them

    application.around("step", step)


def _raised(own: list[float], rate: float) -> list[float]:
    """Return rates with maximum `rate`, in the proportions of the script's."""
    most = max(own, default=0.0)
    return [rate * value / most if most > 0 else rate for value in own]


def _set_rates(groups: list[dict[str, Any]], rates: list[Any]) -> None:
    for group, rate in zip(groups, rates, strict=True):
        if isinstance(group["lr"], torch.Tensor) and not isinstance(rate, torch.Tensor):
            group["lr"] = torch.full_like(group["lr"], rate)
        else:
            group["lr"] = rate


def _copied(batch: Any) -> Any:
    """Return a copy that may be changed in place; objects that cannot be copied are returned as they are."""
    try:
        return copy.deepcopy(batch)
    except Exception as error:
        if from_handler(error):
            raise
        return batch  # which may hold any object


def _tensors(given: Any) -> list[Any]:
    """Return the tensors in arguments, however nested."""
    if isinstance(given, torch.Tensor):
        return [given]
    inner = given.values() if isinstance(given, dict) else given if isinstance(given, list | tuple) else ()
    return [tensor for item in inner for tensor in _tensors(item)]
