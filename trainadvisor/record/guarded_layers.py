"""Hands inner module calls to a probe, whose mistakes stay out of the training."""

from torch import nn

from trainadvisor.instrument.guard import Guard
from trainadvisor.instrument.module_calls import LayerObserver


class GuardedLayers:
    """A layer observer that never raises."""

    def __init__(self, observer: LayerObserver, guard: Guard) -> None:
        self._observer, self._guard = observer, guard

    def enters(self, module: nn.Module) -> bool:
        """Note an inner module call; return whether the other two are to be told."""
        return bool(self._guard("activations.leaf", self._observer.enters, module))

    def leaves(self) -> None:
        """Note that an inner module call has returned or raised."""
        self._guard("activations.leaf", self._observer.leaves)

    def saw_layer(self, module: nn.Module, output: object) -> None:
        """Take the output of an inner module call."""
        self._guard("activations.layer", self._observer.saw_layer, module, output)
