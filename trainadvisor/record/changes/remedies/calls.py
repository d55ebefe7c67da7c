"""Calls of the training loop that are missing, too many, or in the wrong order."""

from typing import Any, Literal

from trainadvisor.record.changes.attempt import Attempt, Call
from trainadvisor.record.changes.declare import change
from trainadvisor.record.changes.late_torch import torch
from trainadvisor.record.changes.nested import listed, mapped


@change(
    "add-zero-grad",
    zh="每次更新之后清空优化器所持有参数的梯度。",
    limits="Not for scripts that never step.",
    limits_zh="不适用于从不调用 step() 的脚本。",
)
def add_zero_grad(attempt: Attempt) -> None:
    """Clear the gradients of what an optimizer holds after each of its steps."""
    attempt.never = "no optimizer made a step"

    def clear(made: Any) -> None:
        with attempt.stage.unseen():
            made.zero_grad()
        attempt.stage.cleared(made)
        attempt.done(f"gradients are cleared after each step of {type(made).__name__}")

    attempt.when("stepped", clear)


@change(
    "fix-zero-grad-order",
    zh="忽略位于 backward() 与 step() 之间的 zero_grad()，改为在 step() 之后清空梯度。",
    limits="Not for gradients that the script clears by hand, with p.grad = None.",
    limits_zh="不适用于脚本用 p.grad = None 手动清空梯度的情形。",
)
def fix_zero_grad_order(attempt: Attempt) -> None:
    """Ignore a zero_grad() that stands between backward() and step(), and clear the gradients after the step."""
    attempt.patient = True
    attempt.never = "no zero_grad() stands between a backward() and a step()"
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
            attempt.done("zero_grad() moved from between backward() and step() to after step()")
        waiting.clear()

    attempt.around("zero_grad", hold)
    attempt.when("trained", trained)
    attempt.when("stepped", release)


@change(
    "add-step",
    zh="每次 backward() 之后补上 optimizer.step()，并随后清空梯度。",
    limits="Refused for scripts that step by themselves after a backward(), and without an optimizer.",
    limits_zh="脚本在 backward() 之后自行更新、或没有优化器时，不予应用。",
)
def add_step(attempt: Attempt) -> None:
    """Call optimizer.step() after each backward(), and clear the gradients then."""
    attempt.patient = True
    attempt.never = "the script makes no optimizer, or never calls backward()"
    stage, waiting = attempt.stage, [False]

    def update(*_: object) -> None:
        """Make up for a step that the script has left out."""
        if not waiting[0]:
            return
        waiting[0] = False
        for made in [o for o in stage.optimizers if _has_gradients(o)]:
            made.step()
            made.zero_grad()
            attempt.done(f"optimizer.step() after each backward() ({type(made).__name__})")

    def before(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        update()
        return call(*args, **kwargs)

    def own(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if waiting[0]:
            attempt.refuse("the script calls step() itself")
        return call(*args, **kwargs)

    def trained(*_: object) -> None:
        waiting[0] = True

    for moment in ("forward", "zero_grad"):
        attempt.around(moment, before)
    attempt.around("step", own)
    attempt.when("trained", trained)
    for moment in ("backward", "end"):
        attempt.when(moment, update)


@change(
    "add-backward",
    zh="更新之前没有 backward() 时，对最近一次计算的损失调用 backward()。",
    limits="The loss must be computed by a function of torch, and must depend on parameters.",
    limits_zh="损失须由 torch 的损失函数计算，且依赖于参数。",
)
def add_backward(attempt: Attempt) -> None:
    """Call backward() on the last loss where a step would come without one."""
    attempt.never = "each step has its backward()"
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
                attempt.done("backward() on the loss before each step")
            else:
                attempt.refuse("the loss depends on no parameter: it was detached before")
        since["backward"] = False
        return call(*args, **kwargs)

    def trained(*_: object) -> None:
        since["backward"] = True

    attempt.around("loss", note)
    attempt.around("step", before)
    attempt.when("trained", trained)


@change(
    "accumulation",
    zh="每 steps 次反向传播更新一次，梯度取平均；不给 steps 时保留脚本的更新时机，只把梯度除以累积次数。",
    limits="Not for closures and optimizers that take turns; a script that divides by itself is divided once more.",
    limits_zh="不适用于闭包与轮流更新的优化器；脚本若已自行相除，会再除一次。",
)
def accumulation(attempt: Attempt, *, steps: int | None = None, divide: bool = True) -> None:
    """Update once every `steps` backward passes, with the mean of their gradients.

    Without `steps`, the script's own updates stay, and gradients are divided by the passes that they were summed over.
    """
    attempt.never = "the script makes no optimizer, or never calls backward()"
    if steps is not None:
        _update_every(attempt, max(1, steps), divide=divide)
        return
    passes = {"count": 0}

    def count(*_: object) -> None:
        passes["count"] += 1

    def share(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if passes["count"] > 1 and divide:
            _divide(args[0], passes["count"])
            attempt.done(f"gradients divided by the {passes['count']} passes that they are summed over")
        passes["count"] = 0
        return call(*args, **kwargs)

    attempt.never = "the script never sums gradients over several backward passes"
    attempt.when("trained", count)
    attempt.around("step", share)


def _divide(made: Any, count: int) -> None:
    gradients = [p.grad for group in made.param_groups for p in group["params"] if p.grad is not None]
    if gradients and count > 1:
        torch._foreach_div_(gradients, count)


def _update_every(attempt: Attempt, steps: int, *, divide: bool) -> None:
    """Step after every n-th backward; the script's own steps and clearings are left out."""
    stage = attempt.stage
    state = {"count": 0, "ours": False}

    def skip_step(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if state["ours"]:
            return call(*args, **kwargs)
        return None

    def skip_clear(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return call(*args, **kwargs) if state["ours"] or state["count"] == 0 else None

    def update(*_: object) -> None:
        state["count"] += 1
        if state["count"] < steps or not stage.optimizers:
            return
        state["ours"] = True
        for made in [o for o in stage.optimizers if _has_gradients(o)]:
            if divide:
                _divide(made, steps)
            made.step()
            made.zero_grad()
            attempt.done(f"an update every {steps} backward passes ({type(made).__name__})")
        state["ours"], state["count"] = False, 0

    attempt.around("step", skip_step)
    attempt.around("zero_grad", skip_clear)
    attempt.when("trained", update)


def _has_gradients(made: Any) -> bool:
    return any(p.grad is not None for group in made.param_groups for p in group["params"])


@change(
    "mode",
    zh="训练前向时令模型处于 train() 模式，不求梯度的前向时处于 eval() 模式。",
    limits="Evaluations are known by torch.no_grad() or inference_mode().",
    limits_zh="以 torch.no_grad() 或 inference_mode() 识别评估阶段。",
)
def mode(attempt: Attempt, *, mode: Literal["train", "eval", "both"] = "both") -> None:
    """Call train() before a forward with gradients, and eval() for one without."""
    attempt.patient = True
    attempt.never = "the model was in the right mode at every call"

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        model, training = args[0], torch.is_grad_enabled()
        if model.training == training or mode not in ("both", "train" if training else "eval"):
            return call(*args, **kwargs)
        before = [(module, module.training) for module in model.modules()]
        model.train(training)
        attempt.done("train() supplied for training calls" if training else "eval() supplied for evaluation calls")
        try:
            return call(*args, **kwargs)
        finally:
            for module, was in before if not training else []:
                module.training = was

    attempt.around("forward", around)


@change(
    "detach-history",
    zh="backward() 之后切断损失与计算图的联系，并切断带入下一步的隐藏状态，使历史不再占用内存。",
    limits="A sum over losses that is built before their backward() keeps its graph; retained graphs are left alone.",
    limits_zh="在 backward() 之前就累加的损失仍保留计算图；retain_graph 的图不处理。",
)
def detach_history(attempt: Attempt) -> None:
    """Cut the loss from its graph after backward(), and states that are carried into the next step from theirs."""
    attempt.never = "no loss and no state holds on to a graph after its backward()"
    old: list[Any] = []

    def cut_loss(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = args[0] if args else kwargs.get("tensors")
        tensors = [given] if isinstance(given, torch.Tensor) else list(given or ())
        retained = kwargs.get("retain_graph") or (len(args) > 2 and args[2])
        for tensor in tensors if not retained else []:
            if tensor.grad_fn is not None and not tensor._is_view():
                tensor.detach_()
                attempt.done("the loss is detached after its backward()")

    def cut_state(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        known = {id(tensor) for tensor in old}
        args, kwargs = mapped((args, kwargs), lambda t: t.detach() if id(t) in known and t.grad_fn is not None else t)
        result = call(*args, **kwargs)
        old[:] = listed(result)
        return result

    attempt.when("trained", cut_loss)
    attempt.around("forward", cut_state)
