"""Calls of the training loop that are missing, too many, or in the wrong order."""

from collections.abc import Sequence
from typing import Any, Literal

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.late_torch import private_torch, torch
from trainadvisor.changes.declaration import Order, change
from trainadvisor.changes.line_edits import Arguments, InsertLines


def _clearing(_: Arguments, optimizer: str) -> Sequence[str]:
    return [f"{optimizer}.zero_grad(set_to_none=True)"]


@change(
    "add-zero-grad",
    zh="每次更新之后清空优化器所持有参数的梯度。",
    limits="Not for scripts that never step.",
    limits_zh="不适用于从不调用 step() 的脚本。",
    acts_after_first_step=True,
    edits=(InsertLines(before="backward", names="optimizer", lines=_clearing),),
)
def add_zero_grad(application: ChangeApplication) -> None:
    """Clear the gradients of an optimizer's parameters after each of its steps."""
    application.never = "no optimizer made a step"

    def clear(made: Any) -> None:
        with application.session.unseen():
            made.zero_grad()
        application.session.cleared(made)
        application.done(f"gradients are cleared after each step of {type(made).__name__}")

    application.when("stepped", clear)


@change(
    "fix-zero-grad-order",
    zh="忽略位于 backward() 与 step() 之间的 zero_grad()，改为在 step() 之后清空梯度。",
    limits="Not for gradients that the script clears by hand, with p.grad = None.",
    limits_zh="不适用于脚本用 p.grad = None 手动清空梯度的情形。",
)
def fix_zero_grad_order(application: ChangeApplication) -> None:
    """Ignore a zero_grad() between backward() and step(), and clear the gradients after the step."""
    application.patient = True
    application.never = "no zero_grad() stands between a backward() and a step()"
    waiting: list[Call] = []
    pending = {"backward": False}

    def hold(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not pending["backward"]:
            return call(*args, **kwargs)
        waiting.append(lambda: call(*args, **kwargs))
        return None

    def trained(*_: object) -> None:
        pending["backward"] = True

    def release(*_: object) -> None:
        pending["backward"] = False
        for clear in waiting:
            clear()
        if waiting:
            application.done("zero_grad() moved from between backward() and step() to after step()")
        waiting.clear()

    application.around("zero_grad", hold)
    application.when("trained", trained)
    application.when("stepped", release)


@change(
    "add-step",
    zh="每次 backward() 之后补上 optimizer.step()，并随后清空梯度。",
    limits="Only for optimizers that the script itself never steps.",
    limits_zh="仅适用于脚本自身从不调用 step() 的优化器。",
    acts_after_first_step=True,
)
def add_step(application: ChangeApplication) -> None:
    """Call optimizer.step() after each backward(), then clear the gradients."""
    application.patient = True
    application.never = "the script makes no optimizer, or never calls backward()"
    missing = _Missing(application)
    for moment in ("forward", "zero_grad"):
        application.around(moment, missing.before)
    application.around("step", missing.own)
    application.when("trained", missing.due)
    for moment in ("backward", "end"):
        application.when(moment, missing.make_up)


class _Missing:
    """The steps that are due after a backward(), of the optimizers that the script never steps."""

    def __init__(self, application: ChangeApplication) -> None:
        self._application, self._waiting = application, False
        self._stepped: set[int] = set()

    def due(self, *_: object) -> None:
        """Record a backward()."""
        self._waiting = True

    def make_up(self, *_: object) -> None:
        """Perform the steps that the script has omitted."""
        if not self._waiting:
            return
        self._waiting = False
        for made in self._application.session.optimizers:
            if id(made) not in self._stepped and _has_gradients(made):
                made.step()
                made.zero_grad()
                self._application.done(f"optimizer.step() after each backward() ({type(made).__name__})")

    def before(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Perform them before the next call that depends on them."""
        self.make_up()
        return call(*args, **kwargs)

    def own(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Ignore an optimizer that the script steps itself."""
        if self._waiting:
            self._stepped.add(id(args[0]))
            if all(id(made) in self._stepped for made in self._application.session.optimizers):
                self._application.refuse("the script calls step() itself")
        return call(*args, **kwargs)


@change(
    "add-backward",
    zh="更新之前没有 backward() 时，对最近一次计算的损失调用 backward()。",
    limits="The loss must be computed by a function of torch, and must depend on parameters.",
    limits_zh="损失须由 torch 的损失函数计算，且依赖于参数。",
)
def add_backward(application: ChangeApplication) -> None:
    """Call backward() on the last loss before a step that would come without one."""
    application.never = "each step has its backward()"
    losses: list[Any] = []
    since = {"backward": False}

    def note(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = call(*args, **kwargs)
        if torch.is_grad_enabled():
            losses[:] = [result]
        return result

    def before(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not since["backward"] and losses:
            loss = losses.pop().mean()
            if loss.requires_grad:
                loss.backward()
                application.done("backward() on the loss before each step")
            else:
                application.refuse("the loss depends on no parameter: it was detached before")
        since["backward"] = False
        return call(*args, **kwargs)

    def trained(*_: object) -> None:
        since["backward"] = True

    application.around("loss", note)
    application.around("step", before)
    application.when("trained", trained)


@change(
    "accumulation",
    zh="每 steps 次反向传播更新一次，梯度取平均；不给 steps 时保留脚本的更新时机，只把梯度除以累积次数。",
    limits="Not for closures and optimizers that take turns; a script that divides by itself is divided once more.",
    limits_zh="不适用于闭包与轮流更新的优化器；脚本若已自行相除，会再除一次。",
    rescales_loss=True,
    may_end_early=True,
)
def accumulation(application: ChangeApplication, *, steps: int | None = None, divide: bool = True) -> None:
    """Update once every `steps` backward passes, with the mean of their gradients.

    Without `steps`, the script's own updates stay, and gradients are divided by the number of accumulated passes.
    """
    application.never = "the script makes no optimizer, or never calls backward()"
    if steps is not None:
        _update_every(application, max(1, steps), divide=divide)
        return
    passes = {"count": 0}

    def count(*_: object) -> None:
        passes["count"] += 1

    def share(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if passes["count"] > 1 and divide:
            _divide(args[0], passes["count"])
            application.done(f"gradients divided by the {passes['count']} passes that they are summed over")
        passes["count"] = 0
        return call(*args, **kwargs)

    application.never = "the script never sums gradients over several backward passes"
    application.when("trained", count)
    application.around("step", share)


def _divide(made: Any, count: int) -> None:
    gradients = [p.grad for group in made.param_groups for p in group["params"] if p.grad is not None]
    if gradients and count > 1:
        private_torch.foreach_div_(gradients, count)


def _update_every(application: ChangeApplication, steps: int, *, divide: bool) -> None:
    """Step after every n-th backward; the script's own steps and zero_grad() calls are skipped."""
    session = application.session
    state = {"count": 0, "ours": False}

    def skip_step(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if state["ours"]:
            return call(*args, **kwargs)
        return None

    def skip_clear(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return call(*args, **kwargs) if state["ours"] or state["count"] == 0 else None

    def update(*_: object) -> None:
        state["count"] += 1
        if state["count"] < steps or not session.optimizers:
            return
        state["ours"] = True
        for made in [o for o in session.optimizers if _has_gradients(o)]:
            if divide:
                _divide(made, steps)
            made.step()
            made.zero_grad()
            application.done(f"an update every {steps} backward passes ({type(made).__name__})")
        state["ours"], state["count"] = False, 0

    application.around("step", skip_step)
    application.around("zero_grad", skip_clear)
    application.when("trained", update)


def _has_gradients(made: Any) -> bool:
    return any(p.grad is not None for group in made.param_groups for p in group["params"])


@change(
    "mode",
    zh="训练前向时令模型处于 train() 模式，不求梯度的前向时处于 eval() 模式。",
    limits="Evaluations are known by torch.no_grad() or inference_mode().",
    limits_zh="以 torch.no_grad() 或 inference_mode() 识别评估阶段。",
    alone=True,
    order=Order.BEHIND,
)
def mode(application: ChangeApplication, *, mode: Literal["train", "eval", "both"] = "both") -> None:
    """Call train() before a forward with gradients, and eval() for one without."""
    application.patient = True
    application.never = "the model was in the right mode at every call"

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        model, training = args[0], torch.is_grad_enabled()
        if model.training == training or mode not in ("both", "train" if training else "eval"):
            return call(*args, **kwargs)
        before = [(module, module.training) for module in model.modules()]
        model.train(training)
        application.done("train() supplied for training calls" if training else "eval() supplied for evaluation calls")
        try:
            return call(*args, **kwargs)
        finally:
            for module, was in before if not training else []:
                module.training = was

    application.around("forward", around)
