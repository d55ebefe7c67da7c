"""Tensors of the user's, known again without being kept alive.

A weak reference on a tensor breaks `torch.utils.swap_tensors`; one on the memory behind it does not.
"""

import weakref
from collections.abc import Callable

import torch

# Returns the memory of a tensor while there is any.
Memory = Callable[[], torch.UntypedStorage | None]


class KnownTensor:
    """One tensor, known by its identity and its memory, which nothing else can have while it lives."""

    __slots__ = ("_key", "_memory")

    def __init__(self, tensor: torch.Tensor) -> None:
        self._key = id(tensor)
        self._memory = memory(tensor) if lies_in_memory(tensor) else None

    def is_(self, tensor: torch.Tensor) -> bool:
        """Return whether this is the tensor, with the memory that it had."""
        if id(tensor) != self._key:
            return False
        if self._memory is None:
            return not lies_in_memory(tensor)
        return lies_in_memory(tensor) and same_memory(self._memory, tensor)


def memory(tensor: torch.Tensor) -> Memory:
    """Return what gives the memory of a tensor that lies in memory, while anything uses it."""
    return weakref.ref(tensor.untyped_storage())


def same_memory(known: Memory, tensor: torch.Tensor) -> bool:
    """Return whether the numbers of a tensor lie in this memory."""
    return known() is tensor.untyped_storage()


def lies_in_memory(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is a plain stretch of memory: not sparse, without values, or spread over processes."""
    local = type(tensor) is torch.Tensor or not hasattr(type(tensor), "to_local")
    return local and tensor.layout is torch.strided and not tensor.is_meta
