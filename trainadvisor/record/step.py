"""One optimizer step in the making: everything from the end of the step before to the end of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument import module_tables
from trainadvisor.log.records import Record
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.objects.watched_model import Model, bare

# Takes the numbers of a reading once they are here.
Arrived = Callable[[list[float]], None]


@dataclass
class Step:
    """What is known of the current step."""

    number: int
    begun: float
    sample_gradients: bool = False
    sample_layers: bool = False
    micro: int = 0
    stepped: list[int] = field(default_factory=list)
    ended: float | None = None
    skipped: bool = False
    # Models whose forward ran with gradients, in order.
    models: list[Model] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    fields: Record = field(default_factory=dict)
    # What the layer probes found: probe -> model number -> columns.
    samples: dict[str, dict[int, Record]] = field(default_factory=dict)
    pending: list[tuple[Reading, Arrived]] = field(default_factory=list)

    @classmethod
    def plain(cls, number: int, begun: float) -> "Step":
        """Return a step of which nothing is sampled; written out for speed, because every step begins so."""
        step = cls.__new__(cls)
        step.__dict__ = {
            "number": number, "begun": begun, "sample_gradients": False, "sample_layers": False, "micro": 0,
            "stepped": [], "ended": None, "skipped": False, "models": [], "losses": [], "fields": {}, "samples": {},
            "pending": [],
        }  # fmt: skip
        return step

    @property
    def done(self) -> bool:
        """Return whether an optimizer has stepped (or its step was skipped by the gradient scaler)."""
        return bool(self.stepped) or self.skipped

    def expect(self, reading: Reading, arrived: Arrived) -> None:
        """Call `arrived` with the numbers before this step's record is written; now, when they are here."""
        if reading.values is not None:
            arrived(reading.values)
        else:
            self.pending.append((reading, arrived))

    def finally_(self, done: Callable[[], None]) -> None:
        """Call `done` once everything that was expected before is here."""
        if self.pending:
            self.pending.append((Reading([]), lambda _: done()))
        else:
            done()


@dataclass
class Call:
    """One call of a root module."""

    module: nn.Module
    model: Model
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    grad: bool
    training: bool
    # The module itself or a wrapper around it: compiled, or parallel.
    called: nn.Module
    output: object = None

    @classmethod
    def of(cls, module: nn.Module, model: Model, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "Call":
        """Describe a call that is about to run."""
        grad = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        return cls(bare(module), model, args, kwargs, grad, module.training, module)

    @property
    def caring(self) -> list[nn.Module]:
        """The layers inside the called module for which train and eval mode differ."""
        layers = list(self.model.caring)
        if not layers or (len(self.model.alive) == 1 and self.model.alive[0]() is self.module):
            return layers
        inside = {id(module) for module in module_tables.modules(self.module)}
        return [layer for layer in layers if id(layer) in inside]
