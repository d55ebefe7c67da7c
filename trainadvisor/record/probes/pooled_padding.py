"""Probe: whether rows of ids are averaged with their padding, over the first batches."""

import math

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import may_ask
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.pooled_padding import PooledPadding, pooled_ids

# Steps that are looked at, and those after which a model that averages no ids is not looked at again.
_FIRST, _TRIED = 8, 2
_TOLD = {1, 4, _FIRST}
# Numbers of a batch that are compared at most.
_MOST = 2_000_000


@probe(order=133)
class PooledPaddingProbe:
    """Writes events "pooled-padding": how much of what is averaged over the places of rows is padding."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found = PooledPadding()
        self._looks = self._told = 0

    def rests_until(self, routine: Routine) -> float:
        """Rest once the first batches were looked at."""
        return math.inf if self._over() else routine.step

    def _over(self) -> bool:
        return self._looks >= _FIRST or (self._looks >= _TRIED and not self._found.looks)

    @unless_resting
    def on_backward_begins(self, *_: object) -> None:
        """Look at the averages that the graph has kept."""
        due = not self._over() and may_ask(self._context.values, self._context.step.number)
        if not due or self._context.losses.last_root is None:
            return
        self._looks += 1
        for ids in pooled_ids(self._context.losses.graph()):
            if ids.numel() <= _MOST:
                self._found.add(ids.cpu())
        if self._looks in _TOLD:
            self._tell()

    def on_stop(self, _: str) -> None:
        """Tell what was found since the last time."""
        self._tell()

    def _tell(self) -> None:
        if self._found.looks and self._told != self._found.looks:
            self._told = self._found.looks
            self._context.event("pooled-padding", "", self._found.fact())
