"""Logarithms, roots and divisions that stay finite near zero."""

from typing import TYPE_CHECKING, Any

from trainadvisor.changes.applying.activation_origins import Origins
from trainadvisor.changes.applying.late_torch import F, torch
from trainadvisor.changes.applying.torch_standins import floating, stand_in

if TYPE_CHECKING:
    from trainadvisor.changes.applying.change_application import Call, ChangeApplication


class Stable:
    """Replaces torch's log, roots and division, as functions, methods and operators."""

    def __init__(self, application: "ChangeApplication", eps: float) -> None:
        self._application, self._eps = application, eps
        self._origins = Origins(application)
        named = {"log": self._log, "sqrt": self._sqrt, "pow": self._power}
        named |= {"div": self._divide, "reciprocal": self._reciprocal}
        for name, function in named.items():
            stand_in(application, torch, name, function)
            stand_in(application, torch.Tensor, name, function)
        stand_in(application, torch.Tensor, "__truediv__", self._divide)
        stand_in(application, torch.Tensor, "__pow__", self._power)

    def _log(self, original: "Call", given: Any, *args: Any, **kwargs: Any) -> Any:
        kind, before = self._origins.of(given) or ("", given)
        if kind == "softmax" and (dimension := _summed(given)) is not None:
            self._application.done("log(softmax(x)) is computed as log_softmax(x)")
            return F.log_softmax(before, dimension)
        if kind == "sigmoid":
            self._application.done("log(sigmoid(x)) is computed as logsigmoid(x)")
            return F.logsigmoid(before)
        return original(self._at_least(given, self._eps, "log"), *args, **kwargs)

    def _sqrt(self, original: "Call", given: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self._at_least(given, self._eps**2, "sqrt"), *args, **kwargs)

    def _power(self, original: "Call", given: Any, exponent: Any, *args: Any, **kwargs: Any) -> Any:
        root = isinstance(exponent, int | float) and 0 < exponent < 1
        return original(self._at_least(given, self._eps**2, "a root") if root else given, exponent, *args, **kwargs)

    def _divide(self, original: "Call", given: Any, by: Any, *args: Any, **kwargs: Any) -> Any:
        return original(given, self._nonzero(by), *args, **kwargs)

    def _reciprocal(self, original: "Call", given: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self._nonzero(given), *args, **kwargs)

    def _nonzero(self, by: Any) -> Any:
        if not floating(by) or not bool((by == 0).any()):
            return by
        self._application.done(f"zero divisors are {self._eps:.0e} now")
        return torch.where(by == 0, torch.full_like(by, self._eps), by)

    def _at_least(self, given: Any, least: float, what: str) -> Any:
        """Return the tensor clamped from below; this includes negative numbers, which have no root either."""
        if not bool((given < least).any()):
            return given
        self._application.done(f"arguments of {what} are at least {least:.0e} now")
        return given.clamp_min(least)


def _summed(given: Any) -> int | None:
    """Return the dimension over which a softmax sums to one."""
    dimensions = [d for d in (1, *range(given.dim())) if d < given.dim()]
    return next((d for d in dimensions if bool(((given.detach().sum(d) - 1).abs() < 1e-3).all())), None)
