"""One model as the recorder knows it; none of its modules and tensors is kept alive."""

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from trainadvisor.record.facts import Fact

_GONE = torch.empty(0)
"""Stands for a parameter that the user has dropped."""


@dataclass(eq=False)
class Model:
    """A root module (or several that one optimizer trains together) with its layers and parameters in order."""

    number: int
    name: str
    site: Fact | None = None
    alive: list[weakref.ref[nn.Module]] = field(default_factory=list)
    references: list[weakref.ref[torch.Tensor]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    layer_names: dict[int, str] = field(default_factory=dict)
    cares: list[weakref.ref[nn.Module]] = field(default_factory=list)
    compiled: bool = False
    loaded: bool = False
    trained: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    fact: Fact = field(default_factory=dict)

    @property
    def roots(self) -> list[nn.Module]:
        """Return the root modules that the user still holds."""
        return [root for reference in self.alive if (root := reference()) is not None]

    @property
    def parameters(self) -> list[torch.Tensor]:
        """Return the parameters in order; an empty tensor stands for one that is gone."""
        return [_GONE if (tensor := reference()) is None else tensor for reference in self.references]

    @property
    def caring(self) -> Iterator[nn.Module]:
        """Yield the layers for which train and eval mode differ."""
        return (module for reference in self.cares if (module := reference()) is not None)

    def forget(self) -> None:
        """Drop the layers once a root is gone; the parameters' numbers stay, for what has been measured."""
        self.layer_names, self.cares = {}, []
