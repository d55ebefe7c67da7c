"""The weight of one term of a loss that is a sum."""

from typing import Any

from trainadvisor.changes.applying.change_application import ChangeApplication
from trainadvisor.changes.declaration import Order, change


@change(
    "balance-loss",
    zh="损失是两项之和时，把不含重构误差的那一项（例如 KL）的梯度乘以 weight。",
    limits="The loss must be a plain sum with a loss function of torch in it; the printed value stays.",
    limits_zh="损失须为两项之和，其中一项由 torch 的损失函数算出；打印的数值不变。",
    rescales_loss=True,
    alone=True,
    order=Order.BEHIND_FOR_CONSEQUENCES,
)
def balance_loss(application: ChangeApplication, *, weight: float = 0.01) -> None:
    """Where the loss is a sum of two terms, weight the gradient of the one that is not a torch loss function."""
    application.never = "backward() was never called"

    def weigh(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        loss = args[0] if args else kwargs.get("tensors")
        root = getattr(loss, "grad_fn", None)
        terms = _terms(root)
        own = [node for node in terms if not _is_loss(node)]
        if len(terms) < 2 or not own or len(own) == len(terms):
            application.refuse("the loss is no sum of a loss function of torch and something else")
            return
        for node in own:
            node.register_prehook(lambda grads: tuple(g if g is None else g * weight for g in grads))
        application.done(f"{len(own)} of {len(terms)} terms of the loss weighed by {weight:.3g}")

    application.when("backward", weigh)


_SCALING = ("DivBackward", "MulBackward")


def _terms(root: Any) -> list[Any]:
    """Return the summands of a loss, without factors common to all of them."""
    while root is not None and type(root).__name__.startswith(_SCALING):
        inner = [node for node, _ in root.next_functions if node is not None]
        if len(inner) != 1:
            break
        root = inner[0]
    if root is None or not type(root).__name__.startswith("AddBackward"):
        return [root] if root is not None else []
    return [term for node, _ in root.next_functions if node is not None for term in _summands(node)]


def _summands(node: Any) -> list[Any]:
    if type(node).__name__.startswith("AddBackward"):
        return [term for inner, _ in node.next_functions if inner is not None for term in _summands(inner)]
    return [node]


def _is_loss(node: Any) -> bool:
    """Return whether a term is a torch loss function, possibly scaled or summed."""
    while node is not None:
        name = type(node).__name__
        if any(word in name for word in ("Loss", "CrossEntropy", "KlDiv")):
            return True
        if not name.startswith((*_SCALING, "SumBackward", "MeanBackward")):
            return False
        inner = [following for following, _ in node.next_functions if following is not None]
        node = inner[0] if len(inner) == 1 else None
    return False
