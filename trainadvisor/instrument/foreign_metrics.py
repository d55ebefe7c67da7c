"""Metrics of torchmetrics, which are modules but compute no answer of a model."""

import functools


def is_metric(module: object) -> bool:
    """Return whether an object is a metric, or made of one, as those that Lightning logs with."""
    return _is_of_theirs(type(module).__mro__)


@functools.lru_cache(maxsize=256)
def _is_of_theirs(kinds: tuple[type, ...]) -> bool:
    return any(kind.__module__.partition(".")[0] == "torchmetrics" for kind in kinds)
