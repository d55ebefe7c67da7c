"""Probe: whether a sampler that draws its order from the number of the epoch is told that number."""

from typing import Any

from torch.utils.data import DataLoader

from trainadvisor.instrument.user_attributes import attribute
from trainadvisor.record.context import Context, probe

# Passes at which it is told, so that a run of any length is covered.
_TOLD = frozenset({3, 5, 10, 20, 50, 100, 200, 500, 1000})


@probe(order=120)
class SamplerEpochProbe:
    """Writes events "sampler-epochs" for loaders whose sampler shuffles by an epoch that somebody has to set."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # By the number of the loader: passes, and the different epochs of the sampler at their beginnings.
        self._passes: dict[int, tuple[int, set[int]]] = {}

    def on_loader_iter(self, args: tuple[Any, ...], _: object, __: object) -> None:
        """Note the sampler's epoch at the beginning of a pass."""
        loader = args[0]
        sampler = _by_epoch(loader)
        if sampler is None:
            return
        number = self._context.objects.loader_number(loader)
        passes, epochs = self._passes.get(number, (0, set()))
        self._passes[number] = passes + 1, epochs | {int(sampler.epoch)}
        if passes + 1 in _TOLD:
            detail = {"loader": number, "sampler": type(sampler).__name__, "passes": passes + 1}
            self._context.event("sampler-epochs", "", detail | {"different": len(self._passes[number][1])})


def _by_epoch(loader: DataLoader[Any]) -> Any:
    """Return the sampler of a loader if it shuffles and has an epoch to be set."""
    candidates = (loader.sampler, loader.batch_sampler, attribute(loader.batch_sampler, "sampler"))
    return next(
        (
            sampler
            for sampler in candidates
            if callable(attribute(sampler, "set_epoch"))
            and isinstance(attribute(sampler, "epoch"), int)
            and attribute(sampler, "shuffle", otherwise=True)
        ),
        None,
    )
