"""What the script calls a tensor that belongs to no layer: by where a module keeps it, or by its variable."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from torch import nn

from trainadvisor.instrument import module_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import torch

# Entries of a list or dictionary that are looked at, and tensors whose name is looked for: beside thirty long lists a
# look takes 12 ms.
MOST = 1_000
NAMED = 20


class LooseNames:
    """Names tensors that belong to no layer, each in its own way."""

    def __init__(self) -> None:
        """Begin without any."""
        self._given: Counter[str] = Counter()

    def give(self, tensor: torch.Tensor, roots: Iterable[nn.Module]) -> str:
        """Return what the script calls a tensor, of the first ones, else its shape."""
        found = name_of(tensor, roots) if self._given.total() < NAMED else None
        name = found or f"tensor of shape {tuple(tensor.shape)}"
        self._given[name] += 1
        return name if self._given[name] == 1 else f"{name} no. {self._given[name]}"


def name_of(tensor: torch.Tensor, roots: Iterable[nn.Module]) -> str | None:
    """Return a name such as `self.blocks[0].weight` or `W`, None where the tensor is kept elsewhere."""
    for name, value in _kept(roots):
        for path, part in _parts(value):
            if (inner := _inside(part, tensor)) is not None:
                return f"{name}{path}{inner}"
    return None


def _kept(roots: Iterable[nn.Module]) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of all modules, which are no layers of theirs, then the variables of the script."""
    for root in roots:
        for module in module_tables.modules(root):
            for name, value in list(vars(module).items()):
                if not name.startswith("_"):
                    yield f"self.{name}", value
    for name, value in list(vars(sys.modules["__main__"]).items()):
        if not name.startswith("_"):
            yield name, value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a value, and what a list or a dictionary holds, each with its place."""
    yield "", value
    if type(value) in (list, tuple):
        yield from ((f"[{place}]", part) for place, part in enumerate(value[:MOST]))
    elif type(value) is dict:
        yield from ((f"[{key!r}]", part) for key, part in list(value.items())[:MOST] if type(key) in (str, int))


def _inside(part: Any, tensor: torch.Tensor) -> str | None:
    """Return where a part holds a tensor: empty where it is the tensor itself."""
    if part is tensor:
        return ""
    if issubclass(type(part), nn.Module):
        return next((f".{name}" for name, own in module_tables.named_parameters(part) if own is tensor), None)
    return None
