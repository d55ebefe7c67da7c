"""The optimizer: its class, settings and parameters, and what happens to gradients before it steps."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from trainadvisor.changes.applying.change_application import Call, ChangeApplication, Refusal
from trainadvisor.changes.applying.late_torch import nn, private_torch, torch
from trainadvisor.changes.applying.rejoined_graph import rejoin
from trainadvisor.changes.declaration import Fallback, Run, change
from trainadvisor.changes.line_edits import Arguments, InsertLines, Made, SetArgument, SwapOptimizer, given

# Initial rates to use when the script's rate is meant for another kind of optimizer.
USUAL = {"SGD": 0.05, "momentum": 0.05, "Adam": 1e-3, "AdamW": 1e-3, "RMSprop": 1e-3}


def _own_or_usual(before: str, to: str, rate: float) -> float:
    """Return the rate of an optimizer for which none is asked: the script's own, where that is meant for its kind."""
    adaptive = before not in ("SGD", "ASGD", "Rprop")
    return rate if adaptive == to.startswith(("Adam", "RMS")) else USUAL[to]


def _set_optimizer(arguments: Arguments, run: Run) -> dict[str, Any]:
    to, before, rate = arguments["to"], run.get("optimizer"), run.get("lr")
    if not isinstance(before, str) or not isinstance(rate, int | float):
        return {}
    kind = "SGD" if to == "momentum" else to
    momentum = arguments.get("momentum", 0.9 if to == "momentum" else 0.0)
    given = {"weight_decay": arguments["weight_decay"]} if "weight_decay" in arguments else {}
    own = {"momentum": momentum} if kind == "SGD" or "momentum" in arguments else {}
    return {"optimizer": kind, "lr": arguments.get("lr", _own_or_usual(before, to, rate)), **given, **own}


@change(
    "optimizer",
    zh="换用另一种优化器（SGD、带动量的 SGD、Adam、AdamW、RMSprop），参数与参数组不变。",
    limits="Not for LBFGS and other optimizers that need a closure.",
    limits_zh="不适用于 LBFGS 等需要闭包的优化器。",
    acts_after_first_step=True,
    fallbacks=(Fallback(30, {"to": "Adam", "lr": 0.001}),),
    edits=(SwapOptimizer(kept=("lr", "weight_decay")),),
    sets=_set_optimizer,
    does=("use {to} with lr={lr}", "改用 {to}，lr={lr}"),
    rules_out=("the choice of the optimizer", "优化器的选择"),
)
def optimizer(
    application: ChangeApplication,
    *,
    to: Literal["SGD", "momentum", "Adam", "AdamW", "RMSprop"] = "Adam",
    lr: float | None = None,
    weight_decay: float | None = None,
    momentum: float | None = None,
) -> None:
    """Replace the optimizer by another one with the same parameters; groups keep the proportions of their rates."""

    def swap(made: Any) -> None:
        if isinstance(made, torch.optim.LBFGS):
            raise Refusal("LBFGS needs a closure and cannot be swapped")
        before = type(made).__name__
        rate = max(float(group["lr"]) for group in made.param_groups)
        wanted = lr if lr is not None else _own_or_usual(before, to, rate)
        options = _options(to, weight_decay, momentum)
        if before == to and not options and math.isclose(wanted, rate):
            raise Refusal(f"the optimizer is {to} with lr={rate:.4g} already")
        with application.session.unseen():
            _exchange(made, to, wanted, rate, options)
        application.done(f"{before} at {rate:.4g} -> {type(made).__name__} at {wanted:.4g}")

    application.when("optimizer", swap)


def _options(to: str, weight_decay: float | None, momentum: float | None) -> dict[str, Any]:
    options = {} if weight_decay is None else {"weight_decay": weight_decay}
    if to == "momentum" or momentum is not None:
        options["momentum"] = 0.9 if momentum is None else momentum
    return options


def _exchange(made: Any, to: str, lr: float, before: float, options: dict[str, Any]) -> None:
    """Turn the optimizer object that the script holds into one of another class."""
    kind = torch.optim.SGD if to == "momentum" else getattr(torch.optim, to)
    groups = [{"params": g["params"], "lr": lr * float(g["lr"]) / before if before else lr} for g in made.param_groups]
    fresh = kind(groups, lr=lr, **options)
    made.__class__ = kind
    made.defaults = fresh.defaults
    made.state.clear()
    for group, new in zip(made.param_groups, fresh.param_groups, strict=True):
        group.clear()
        group.update(new)


def _set_in_groups(application: ChangeApplication, key: str, value: Any) -> None:
    """Set an entry of every parameter group that has it."""

    def put(made: Any) -> None:
        if key not in made.defaults:
            raise Refusal(f"{type(made).__name__} has no {key}")
        before = made.param_groups[0][key]
        for group in made.param_groups:
            group[key] = value(group[key]) if callable(value) else value
        application.done(f"{key} {before} -> {made.param_groups[0][key]} in {type(made).__name__}")

    application.when("optimizer", put)


@change(
    "weight-decay",
    zh="将所有参数组的权重衰减改为 value。",
    limits="Not for optimizers without weight decay; a penalty that the script adds to the loss itself stays.",
    limits_zh="不适用于没有权重衰减的优化器；脚本自行加到损失中的惩罚项不变。",
    acts_after_first_step=True,
    edits=(SetArgument("optimizer", "weight_decay", given("value")),),
    sets=lambda arguments, _: {"weight_decay": arguments["value"]},
    rules_out=("the weight decay", "权重衰减"),
)
def weight_decay(application: ChangeApplication, *, value: float = 0.0) -> None:
    """Set the weight decay of every parameter group."""
    _set_in_groups(application, "weight_decay", value)


def _new_betas(arguments: Arguments, made: Made) -> str | None:
    beta1, _ = (made.get("groups") or [{}])[0].get("betas") or (0.9, 0.999)
    beta2 = arguments.get("beta2")
    return None if beta2 is None else f"({beta1:g}, {beta2:g})"


@change(
    "betas",
    zh="修改 Adam 类优化器的 beta1、beta2。",
    limits="Only for optimizers with betas, such as Adam.",
    limits_zh="仅适用于带 betas 的优化器，例如 Adam。",
    acts_after_first_step=True,
    edits=(SetArgument("optimizer", "betas", _new_betas),),
)
def betas(application: ChangeApplication, *, beta1: float | None = None, beta2: float = 0.95) -> None:
    """Set the decay rates of Adam's moments."""
    _set_in_groups(application, "betas", lambda now: (now[0] if beta1 is None else beta1, beta2))


@change(
    "eps",
    zh="修改 Adam 类优化器的 eps。",
    limits="Only for optimizers with eps, such as Adam and RMSprop.",
    limits_zh="仅适用于带 eps 的优化器，例如 Adam 和 RMSprop。",
    acts_after_first_step=True,
    edits=(SetArgument("optimizer", "eps", given("value")),),
)
def eps(application: ChangeApplication, *, value: float = 1e-8) -> None:
    """Set the epsilon that Adam and similar optimizers add to the divisor."""
    _set_in_groups(application, "eps", value)


def _clipping(arguments: Arguments, model: str) -> Sequence[str]:
    norm = arguments.get("max_norm", 1.0)
    known = isinstance(norm, int | float)
    return [f"torch.nn.utils.clip_grad_norm_({model}.parameters(), {norm:g})"] if known else []


@change(
    "clip",
    zh="每次更新前把梯度的总范数裁剪到 max_norm；脚本已有裁剪时改变其阈值；不给 max_norm 时，先反缩放再裁剪。",
    limits="Gradients are clipped over all parameters of an optimizer together.",
    limits_zh="裁剪以一个优化器的全部参数为整体。",
    acts_after_first_step=True,
    fallbacks=(Fallback(50, {"max_norm": 1.0}, keeps_finite=True),),
    edits=(InsertLines(before="step", names="model", lines=_clipping),),
    does=("clip the gradient norm at {max_norm}", "将梯度范数裁剪到 {max_norm}"),
    rules_out=("single large gradients", "个别过大的梯度"),
)
def clip(application: ChangeApplication, *, max_norm: float | None = None, error_if_nonfinite: bool = False) -> None:
    """Clip the norm of all gradients before each step; the script's own clipping gets this limit instead.

    Without `max_norm`, the gradients are unscaled before the script clips them.
    """
    if max_norm is None and not error_if_nonfinite:
        _unscale_first(application)
        return
    limit = max_norm if max_norm is not None else float("inf")
    seen: list[bool] = []

    def own(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        seen.append(True)
        before = kwargs.get("max_norm", args[1] if len(args) > 1 else None)
        application.done(f"the script's clipping at {before} is now at {limit:.4g}")
        rest = {k: v for k, v in kwargs.items() if k not in ("max_norm", "error_if_nonfinite")}
        return call(args[0] if args else rest.pop("parameters"), limit, *args[2:3],
                    error_if_nonfinite=error_if_nonfinite, **rest)  # fmt: skip

    def before_step(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not seen:
            parameters = [p for group in args[0].param_groups for p in group["params"]]
            with application.session.unseen():
                norm = nn.utils.clip_grad_norm_(parameters, limit, error_if_nonfinite=error_if_nonfinite)
            application.done(f"gradient norm clipped at {limit:.4g} before each step (first norm {float(norm):.4g})")
        return call(*args, **kwargs)

    application.around("clip", own)
    application.around("step", before_step)


def _unscale_first(application: ChangeApplication) -> None:
    scalers: list[Any] = []
    application.never = "without max_norm it only mends a clipping before unscale_; the script has no such thing"

    def note(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        scalers[:] = [args[0]]
        return call(*args, **kwargs)

    def unscale(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for made in application.session.optimizers if scalers else []:
            state = private_torch.scaler_state(scalers[0], made)
            if state["stage"].name == "READY" and any(
                p.grad is not None for g in made.param_groups for p in g["params"]
            ):
                scalers[0].unscale_(made)
                application.done("gradients are unscaled before the script clips them")
        return call(*args, **kwargs)

    application.around("scale", note)
    application.around("clip", unscale)


def leaves(tensors: Any) -> list[Any]:
    """Return the leaves that a loss depends on, in the order of graph traversal."""
    given = [tensors] if isinstance(tensors, torch.Tensor) else list(tensors or ())
    waiting = [tensor.grad_fn for tensor in given if tensor.grad_fn is not None]
    seen, found = set(waiting), []
    while waiting:
        node = waiting.pop()
        if hasattr(node, "variable"):
            found.append(node.variable)
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
    return found


def missing(session: Any, tensors: Any) -> list[Any]:
    """Return the parameters that a loss depends on and no optimizer holds."""
    held = {id(p) for made in session.optimizers for group in made.param_groups for p in group["params"]}
    kinds = (nn.Parameter,)
    return [leaf for leaf in leaves(tensors) if isinstance(leaf, kinds) and id(leaf) not in held]


def _add_missing(application: ChangeApplication) -> None:
    application.never = "every parameter that the loss depends on is in an optimizer already"

    def add(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        session = application.session
        lost = missing(session, args[0] if args else kwargs.get("tensors"))
        if not lost or not session.optimizers:
            return
        target = session.optimizers[-1]
        target.param_groups[-1]["params"].extend(lost)
        count = sum(p.numel() for p in lost)
        application.done(f"{len(lost)} tensors ({count} weights) were added to {type(target).__name__}")

    application.when("backward", add)


@change(
    "add-parameters",
    zh="把损失所依赖、却不在任何优化器中的参数加入优化器（最后一组的设置）。",
    limits="Parameters that ask for no gradient are not added (see unfreeze).",
    limits_zh="不需要梯度的参数不会加入（见 unfreeze）。",
)
def add_parameters(application: ChangeApplication) -> None:
    """Add the parameters that the loss depends on and no optimizer holds, with the settings of its last group."""
    application.patient = True  # a layer may be replaced between two phases of the training
    _add_missing(application)


@change(
    "use-modulelist",
    zh="把保存在普通列表或字典中、因而未注册的层的参数加入优化器。",
    limits="The layers stay unregistered: state_dict() and to(device) still miss them.",
    limits_zh="这些层仍未注册：state_dict() 与 to(device) 仍会遗漏它们。",
)
def use_modulelist(application: ChangeApplication) -> None:
    """Train layers kept in plain lists: their parameters are added to the optimizer."""
    _add_missing(application)


@change(
    "unfreeze",
    zh="让模型的所有参数都需要梯度并进入优化器，并忽略模型自身代码中的 detach() 与 no_grad()。",
    limits="It cannot see a cut by .data or numpy(); a stop-gradient that is meant is passed over too.",
    limits_zh="无法识别 .data 或 numpy() 造成的截断；有意的停止梯度也会被忽略。",
    acts_after_first_step=True,
    overrules=True,
)
def unfreeze(application: ChangeApplication) -> None:
    """Let every parameter require a gradient, ignore detach() inside the model, and add what no optimizer holds."""
    _add_missing(application)
    rejoin(application)
    application.never = "no parameter is frozen"

    def release(model: Any, *_: object) -> None:
        frozen = [p for p in model.parameters() if not p.requires_grad and p.is_floating_point()]
        for parameter in frozen:
            parameter.requires_grad_(requires_grad=True)
        if frozen:
            application.done(f"{len(frozen)} frozen tensors were released")

    application.when("model", release)
