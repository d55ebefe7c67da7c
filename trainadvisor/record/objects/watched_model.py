"""One model as the recorder knows it; none of its modules and tensors is kept alive."""

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from trainadvisor.instrument import module_tables, private_torch
from trainadvisor.record.objects.describe import Fact
from trainadvisor.record.objects.held_tensor import HeldTensor

# Stands for a parameter that the user has dropped.
_GONE = torch.empty(0)


_PARALLEL = (nn.DataParallel, nn.parallel.DistributedDataParallel)


def bare(module: nn.Module) -> nn.Module:
    """Return the module inside torch's wrappers for compilation and parallel training."""
    while (inner := _inside(module)) is not None:
        module = inner
    return module


def is_compiled(module: nn.Module) -> bool:
    """Return whether a module, or what is in its wrappers, is compiled."""
    inner: nn.Module | None = module
    while inner is not None:
        if private_torch.compiled_from(inner) is not None or private_torch.compiled_in_place(inner):
            return True
        inner = _inside(inner)
    return False


def _inside(module: nn.Module) -> nn.Module | None:
    compiled = private_torch.compiled_from(module)
    return private_torch.children(module)["module"] if compiled is None and isinstance(module, _PARALLEL) else compiled


@dataclass(eq=False)
class Model:
    """A root module (or several that one optimizer trains together) with its layers and parameters in order."""

    number: int
    name: str
    site: Fact | None = None
    alive: list[weakref.ref[nn.Module]] = field(default_factory=list)
    # The part that is called in place of the root and holds all of its parameters: the net inside a LightningModule.
    part: weakref.ref[nn.Module] | None = None
    # Another part that was called last, which does not.
    piece: weakref.ref[nn.Module] | None = None
    references: list[HeldTensor] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    layer_names: dict[int, str] = field(default_factory=dict)
    cares: list[weakref.ref[nn.Module]] = field(default_factory=list)
    compiled: bool = False
    loaded: bool = False
    trained: bool = False
    # Whether this process holds only parts of its parameters.
    sharded: bool = False
    # Whether parts of it are called on their own, in modules made around them: no root holds everything.
    scattered: bool = False
    # Whether some parameters have no shape before the first forward.
    lazy: bool = False
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
    def is_training(self) -> bool:
        """Return whether one of its root modules is in training mode, or none is known."""
        first = self.alive[0]() if self.alive else None
        return (first is not None and first.training) or any(root.training for root in self.roots) or not self.roots

    @property
    def entrance(self) -> weakref.ref[nn.Module]:
        """Return the module by which it is called: its root, or the part that is called in place of that."""
        return self.part or self.alive[0]

    def enters_by(self, module: nn.Module) -> bool:
        """Return whether a call of this module is one as the last was; remember a part that it is called by."""
        if self.entrance() is module:
            return True
        if self.piece is None or self.piece() is not module:
            held = weakref.ref(module)
            self.part, self.piece = (held, None) if self._is_held_by(module) else (None, held)
        return False

    def _is_held_by(self, part: nn.Module) -> bool:
        """Return whether a part of the only root holds all parameters, and what stands for layers that have modes."""
        if len(self.alive) != 1 or self.alive[0]() is part:
            return False
        first = self.cares[0]() if self.cares else None
        whole = {id(p) for p in module_tables.parameters(part)} >= {held.key for held in self.references}
        return whole and (first is None or any(inner is first for inner in module_tables.modules(part)))

    @property
    def is_gone(self) -> bool:
        """Return whether the user has dropped all of it, parameters and modules."""
        return all(root() is None for root in self.alive) and all(tensor() is None for tensor in self.references)

    @property
    def is_meta(self) -> bool:
        """Return whether the parameters have no values: the model is on the meta device and has not left it."""
        if self.device.type != "meta":
            return False
        return all(p.is_meta for root in self.roots for p in module_tables.parameters(root))

    @property
    def time_major(self) -> bool:
        """Return whether a recurrent or attention layer takes the steps of a sequence before the examples."""
        layers = (module for root in self.roots for module in module_tables.modules(root))
        return any(isinstance(m, nn.RNNBase | nn.MultiheadAttention) and not m.batch_first for m in layers)

    @property
    def caring(self) -> Iterator[nn.Module]:
        """Yield the layers for which train and eval mode differ."""
        return (module for reference in self.cares if (module := reference()) is not None)
