"""Whether the labels of a binary loss are of both kinds."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.losses import training_losses
from trainadvisor.signals.targets import BINARY

LABELS = {"needs": "labels of a binary cross-entropy", "zh": "二元交叉熵的标签"}
LEAST_BATCHES = 5


def _targets(log: RunLog) -> list[dict[str, Any]]:
    return [loss["target"] for loss in training_losses(log) if loss["kind"] in BINARY and loss["target"]]


def _known(log: RunLog) -> list[dict[str, Any]]:
    targets = _targets(log)
    return targets if all((number(t.get("batches")) or 0) >= LEAST_BATCHES for t in targets) else []


@signal(unit="value", **LABELS, about="no-binary-labels")
def binary_label_min(log: RunLog) -> float | None:
    """Smallest label that any binary cross-entropy of the training got; 1 = there are no negative examples.

    0 for other losses.
    """
    if log.losses and not _targets(log):
        return 0.0
    lows = [number(target.get("min")) for target in _known(log)]
    return min((low for low in lows if low is not None), default=None)


@signal(unit="labels", **LABELS, about="no-binary-labels")
def binary_labels(log: RunLog) -> int | None:
    """Number of examples whose labels were looked at by binary cross-entropies, over the whole run."""
    return sum(int(number(target.get("examples")) or 0) for target in _known(log)) or None
