"""Releases the graphs of earlier steps that are held by kept losses and carried states."""

import weakref
from typing import Any

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.late_torch import private_torch, torch
from trainadvisor.changes.applying.nested_tensors import listed, mapped
from trainadvisor.changes.declaration import change


@change(
    "detach-history",
    zh="backward() 之后切断损失与计算图的联系，并切断带入下一步的隐藏状态，使历史不再占用内存。",
    limits="A sum over losses that is built before their backward() keeps its graph; retained graphs are left alone.",
    limits_zh="在 backward() 之前就累加的损失仍保留计算图；retain_graph 的图不处理。",
)
def detach_history(application: ChangeApplication) -> None:
    """Detach the loss from its graph after backward(), and states carried into the next step from theirs."""
    application.never = "no loss and no state holds on to a graph after its backward()"
    old: list[Any] = []
    computed: list[tuple[int, weakref.ref[Any]]] = []

    def cut_loss(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = args[0] if args else kwargs.get("tensors")
        tensors = [given] if isinstance(given, torch.Tensor) else list(given or ())
        retained = kwargs.get("retain_graph") or (len(args) > 2 and args[2])
        for tensor in tensors if not retained else []:
            if tensor.grad_fn is not None and not private_torch.is_view(tensor):
                tensor.detach_()
                application.done("the loss is detached after its backward()")

    def cut_state(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        known = {id(tensor) for tensor in old}
        args, kwargs = mapped((args, kwargs), lambda t: t.detach() if id(t) in known and t.grad_fn is not None else t)
        result = call(*args, **kwargs)
        old[:] = listed(result)
        return result

    def note(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = call(*args, **kwargs)
        if isinstance(result, torch.Tensor) and result.grad_fn is not None:
            computed.append((application.session.steps, weakref.ref(result)))
        return result

    def cut_old(*_: object) -> None:
        """Detach losses that were computed before the last step and are kept: their weights have changed since."""
        while computed and computed[0][0] < application.session.steps - 1:
            kept = computed.pop(0)[1]()
            if kept is not None and kept.grad_fn is not None and not private_torch.is_view(kept):
                kept.detach_()
                application.done("losses that are kept are detached")

    application.when("trained", cut_loss)
    application.around("loss", note)
    application.when("stepped", cut_old)
    application.around("forward", cut_state)
