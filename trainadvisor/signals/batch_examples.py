"""How many examples a batch holds: below four, a spread over them says nothing about what differs between examples."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import median

# Examples from which on a spread is one: that of a single example is zero, whatever the model does.
FEWEST = 4


@remembered
def examples_of_batch(log: RunLog) -> float | None:
    """Return the median number of examples of a micro-batch."""
    batch, micro = log.column("batch"), log.column("micro")
    sizes = batch / np.where(micro >= 1, micro, 1.0)
    known = sizes[np.isfinite(sizes)]
    return median(known) if known.size else None


def spread_known(log: RunLog) -> bool:
    """Return whether a spread over a training batch means anything."""
    count = examples_of_batch(log)
    return count is None or count >= FEWEST


def spread_of(prediction: dict[str, Any]) -> float | None:
    """Return the spread of predictions over the examples: within batches or, where these are tiny, across them.

    Across batches it is known of a single output, whose standard deviation over all of them is recorded.
    """
    shape = prediction.get("shape")
    if not isinstance(shape, list) or not shape or not isinstance(shape[0], int) or shape[0] >= FEWEST:
        return number(prediction.get("batch_spread"))
    alone = len(shape) == 1 or shape[1:] == [1]
    enough = (number(prediction.get("batches")) or 0) >= FEWEST
    return number(prediction.get("std")) if alone and enough else None
