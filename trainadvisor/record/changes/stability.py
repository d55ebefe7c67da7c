"""Logarithms, roots and divisions that stay finite near zero."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainadvisor.record.changes.late_torch import F, torch
from trainadvisor.record.changes.origins import Origins

if TYPE_CHECKING:
    from trainadvisor.record.changes.attempt import Attempt


def make_stable(attempt: "Attempt", eps: float) -> None:
    """Stand in for torch's log, sqrt and division, as functions, methods and operators."""
    origins = Origins(attempt)

    def log(original: Any, given: Any, *args: Any, **kwargs: Any) -> Any:
        known = origins.of(given)
        if known is not None and known[0] == "softmax" and _sums_to_one(given):
            attempt.done("log(softmax(x)) is computed as log_softmax(x)")
            return F.log_softmax(known[1], _summed(given))
        if known is not None and known[0] == "sigmoid":
            attempt.done("log(sigmoid(x)) is computed as logsigmoid(x)")
            return F.logsigmoid(known[1])
        return original(_away(attempt, given, eps, "log"), *args, **kwargs)

    def sqrt(original: Any, given: Any, *args: Any, **kwargs: Any) -> Any:
        return original(_away(attempt, given, eps * eps, "sqrt"), *args, **kwargs)

    def divide(original: Any, given: Any, by: Any, *args: Any, **kwargs: Any) -> Any:
        if _floating(by) and bool((by == 0).any()):
            attempt.done(f"zero divisors are {eps:.0e} now")
            by = torch.where(by == 0, torch.full_like(by, eps), by)
        return original(given, by, *args, **kwargs)

    for owner in (torch, torch.Tensor):
        _stand_in(attempt, owner, "log", log)
        _stand_in(attempt, owner, "sqrt", sqrt)
        _stand_in(attempt, owner, "div", divide)
    _stand_in(attempt, torch.Tensor, "__truediv__", divide)


def _stand_in(attempt: "Attempt", owner: Any, name: str, function: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    def stand_in(given: Any, *args: Any, **kwargs: Any) -> Any:
        stage = attempt.stage
        training = stage.models or stage.train_data is not None
        own = {"step", "unseen", "backward"} & stage.running
        if own or not training or not _floating(given):
            return original(given, *args, **kwargs)
        return function(original, given, *args, **kwargs)

    setattr(owner, name, stand_in)
    attempt.stage.undo_with(lambda: setattr(owner, name, original))


def _floating(given: Any) -> bool:
    return isinstance(given, torch.Tensor) and given.is_floating_point()


def _away(attempt: "Attempt", given: Any, least: float, what: str) -> Any:
    """Return the tensor at least so large; negative numbers, which have no root either, as well."""
    if not bool((given < least).any()):
        return given
    attempt.done(f"arguments of {what} are at least {least:.0e} now")
    return given.clamp_min(least)


def _summed(given: Any) -> Any:
    """Return the dimension over which a softmax sums up to one."""
    return next(d for d in (1, *range(given.dim())) if d < given.dim() and _one_over(given, d))


def _sums_to_one(given: Any) -> bool:
    return any(_one_over(given, dimension) for dimension in range(given.dim()))


def _one_over(given: Any, dimension: int) -> bool:
    return bool(((given.detach().sum(dimension) - 1).abs() < 1e-3).all())
