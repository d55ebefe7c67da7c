"""Brings numbers from the device to the host without making the training wait.

On the CPU a tensor is read at once. On a GPU it is copied into pinned memory without blocking, followed by an event;
whoever needs the numbers asks later whether the event has passed.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch


@dataclass
class Reading:
    """Numbers that are here (`values`) or still on their way (`values` is None)."""

    values: list[float] | None = None


class Values(Protocol):
    """A way to read tensors."""

    def read(self, tensor: torch.Tensor) -> Reading:
        """Start reading a tensor of at most one dimension."""

    def poll(self, *, wait: bool = False) -> None:
        """Fill the readings that have arrived; with `wait`, all of them."""


class HostValues:
    """Reads tensors that are in the host's memory: at once."""

    def read(self, tensor: torch.Tensor) -> Reading:
        """Return the numbers."""
        if not tensor.ndim:
            return Reading([tensor.item()])
        return Reading(tensor.detach().reshape(-1).tolist())

    def poll(self, *, wait: bool = False) -> None:
        """Do nothing: a host reading never waits."""


@dataclass
class _Flight:
    reading: Reading
    pinned: torch.Tensor
    arrived: Callable[[], bool]
    wait: Callable[[], None]


@dataclass
class DeviceValues:
    """Reads tensors on an accelerator through pinned memory and events; `copy` is exchanged in tests on the CPU."""

    copy: Callable[[torch.Tensor], tuple[torch.Tensor, Callable[[], bool], Callable[[], None]]]
    _flying: deque[_Flight] = field(default_factory=deque)

    def read(self, tensor: torch.Tensor) -> Reading:
        """Start an asynchronous copy."""
        reading = Reading()
        pinned, arrived, wait = self.copy(tensor.detach().reshape(-1).float())
        self._flying.append(_Flight(reading, pinned, arrived, wait))
        return reading

    def poll(self, *, wait: bool = False) -> None:
        """Fill readings in the order of their start, up to the first that is still flying."""
        while self._flying and (wait or self._flying[0].arrived()):
            flight = self._flying.popleft()
            if wait:
                flight.wait()
            flight.reading.values = flight.pinned.tolist()


# Steps in which a device may be asked, once a run: models and parameters are described in them as well.
FIRST_STEPS = 3


def may_ask(values: Values, step: int) -> bool:
    """Return whether whole tensors may be looked at in a step: always on the host, on a device in the first ones."""
    return isinstance(values, HostValues) or step < FIRST_STEPS


def cuda_copy(tensor: torch.Tensor) -> tuple[torch.Tensor, Callable[[], bool], Callable[[], None]]:
    """Copy to pinned memory on the current stream; return it with the event's query and synchronize."""
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    pinned.copy_(tensor, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return pinned, event.query, event.synchronize


def values_for(device: torch.device) -> Values:
    """Return the reader that fits a device."""
    return DeviceValues(cuda_copy) if device.type == "cuda" else HostValues()
