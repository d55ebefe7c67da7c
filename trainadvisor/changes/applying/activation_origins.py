"""What activations were computed from, so that one at the model's end can be taken back."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.applying.late_torch import F, private_torch, torch

if TYPE_CHECKING:
    from trainadvisor.changes.applying.change_application import Call, ChangeApplication

_KINDS = ("softmax", "log_softmax", "sigmoid", "tanh", "relu")
_FUNCTIONS = ("leaky_relu", "elu", "gelu", "softplus", "hardtanh")
_MOST = 512


class Origins:
    """The activations of the current call of the model: result -> (kind, input)."""

    def __init__(self, application: "ChangeApplication") -> None:
        self._known: dict[int, tuple[Any, str, Any]] = {}
        owners = [(owner, kind) for kind in _KINDS for owner in (torch, torch.Tensor)]
        owners += [(F, kind) for kind in _FUNCTIONS]
        for owner, kind in owners:
            application.session.undo_with(self._watch(owner, kind))
        application.around("forward", self._forget, within=True)

    def _watch(self, owner: Any, kind: str) -> Callable[[], None]:
        original = getattr(owner, kind)

        def watched(given: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(given, *args, **kwargs)
            if isinstance(given, torch.Tensor) and result is not given and len(self._known) < _MOST:
                self._known[id(result)] = (result, kind, given)
            return result

        setattr(owner, kind, watched)
        return lambda: setattr(owner, kind, original)

    def _forget(self, call: "Call", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._known.clear()
        return call(*args, **kwargs)

    def of(self, tensor: Any) -> tuple[str, Any] | None:
        """Return the activation that made a tensor, and its input in the tensor's shape."""
        if not isinstance(tensor, torch.Tensor):
            return None
        base = tensor if id(tensor) in self._known else private_torch.base(tensor)
        if base is None or id(base) not in self._known:
            return None
        _, kind, given = self._known[id(base)]
        return (kind, given.reshape(tensor.shape)) if given.numel() == tensor.numel() else None
