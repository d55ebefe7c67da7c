"""The user's parameters, known by identity without weak references to them.

A weak reference on a parameter breaks `torch.utils.swap_tensors`, with which torch converts modules. So a parameter is
held, and let go with the modules that own it, or with the optimizer that outlived them.
"""

import sys
from collections.abc import Callable, Iterable

import torch
from torch import nn

from trainadvisor.record.objects.departures import Departures

# References to a tensor that only we hold: our own, and the argument of the question.
_OURS = 2
# References of an optimizer to a parameter: from its group, and as the key of its state.
_OF_AN_OPTIMIZER = 2


class HeldTensor:
    """Holds one tensor until it is released; called, it returns the tensor or None, as a weak reference does."""

    __slots__ = ("_tensor", "key")

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor: torch.Tensor | None = tensor
        self.key = id(tensor)

    def __call__(self) -> torch.Tensor | None:
        """Return the tensor, None once it was released."""
        return self._tensor

    def others(self) -> int:
        """Return how many references besides ours there are."""
        return 0 if self._tensor is None else sys.getrefcount(self._tensor) - _OURS

    def release(self) -> None:
        """Let the tensor go."""
        self._tensor = None


class HeldTensors:
    """All tensors that are held, by the modules that own them."""

    def __init__(self, released: Callable[[int], object], departures: Departures) -> None:
        """Call `released` with the id of each tensor that is let go."""
        self._released, self._departures = released, departures
        self._held: dict[int, HeldTensor] = {}
        self._of_module: dict[int, list[HeldTensor]] = {}
        self._orphans: dict[int, HeldTensor] = {}

    def hold(self, tensor: torch.Tensor, owner: nn.Module | None) -> HeldTensor:
        """Return what holds the tensor, made when it is not held yet; without an owner it is an orphan."""
        held = self._held.get(id(tensor))
        if held is None:
            held = self._held[id(tensor)] = HeldTensor(tensor)
        if owner is not None:
            self._orphans.pop(held.key, None)
            self._own(owner, held)
        elif not any(held in owned for owned in self._of_module.values()):
            self._orphans[held.key] = held
        return held

    def _own(self, owner: nn.Module, held: HeldTensor) -> None:
        owned = self._of_module.get(id(owner))
        if owned is None:
            owned = self._of_module[id(owner)] = []
            self._departures.await_that_of(owner, self._owner_gone)
        if held not in owned:
            owned.append(held)

    def _owner_gone(self, key: int) -> None:
        """Let go what only the module holds that is being deleted; keep what an optimizer still trains."""
        for held in self._of_module.pop(key, ()):
            if held.others() <= 1:
                self._release(held)
            elif not any(held in owned for owned in self._of_module.values()):
                self._orphans[held.key] = held

    def release_orphans(self) -> None:
        """Let go the tensors without an owner that only an optimizer holds, which is being deleted."""
        for held in [held for held in self._orphans.values() if held.others() <= _OF_AN_OPTIMIZER]:
            self._release(held)

    def has_free(self) -> bool:
        """Return whether nobody else holds one of the tensors without an owner."""
        return any(not held.others() for held in self._orphans.values())

    def sweep(self) -> None:
        """Let go the tensors without an owner that nobody else holds."""
        for held in [held for held in self._orphans.values() if not held.others()]:
            self._release(held)

    def disown(self, replaced: Iterable[HeldTensor]) -> None:
        """Take tensors away from their modules, which hold others in their place by now."""
        gone = {held.key: held for held in replaced}
        for key, owned in self._of_module.items():
            self._of_module[key] = [held for held in owned if held.key not in gone]
        self._orphans |= gone
        self.sweep()

    def _release(self, held: HeldTensor) -> None:
        self._held.pop(held.key, None)
        self._orphans.pop(held.key, None)
        held.release()
        self._released(held.key)
