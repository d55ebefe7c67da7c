"""Loaders that continue where they stopped, for scripts that restart them for each batch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.applying.late_torch import torch

if TYPE_CHECKING:
    from trainadvisor.changes.applying.change_application import Call, ChangeApplication

# Restarts of a loader after a single batch before it continues instead.
OFTEN = 3


class Continued:
    """Wraps the iteration of the training loader."""

    def __init__(self, application: "ChangeApplication") -> None:
        self._application = application
        self._last: dict[int, _Counted] = {}
        self._singles: dict[int, int] = {}

    def __call__(self, call: "Call", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return a new iterator, or the last one again if only first batches were drawn so far."""
        loader = args[0]
        if loader.dataset is not self._application.session.train_data or not torch.is_grad_enabled():
            return call(*args, **kwargs)
        last, key = self._last.get(id(loader)), id(loader)
        self._singles[key] = self._singles.get(key, 0) + 1 if last is not None and last.taken == 1 else 0
        if last is None or self._singles[key] < OFTEN:
            self._last[key] = _Counted(lambda: call(*args, **kwargs))
            return self._last[key]
        self._application.done("the loader goes on where it stood, in place of beginning anew for each batch")
        last.taken, last.endless = 0, True
        return last


class _Counted:
    """An iterator that counts its items, and may restart when exhausted."""

    def __init__(self, begin: "Call") -> None:
        self._begin = begin
        self._inner: Iterator[Any] = begin()
        self.taken, self.endless = 0, False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.taken += 1
        try:
            return next(self._inner)
        except StopIteration:
            if not self.endless:
                raise
            self._inner = self._begin()
            return next(self._inner)
