"""The temperature of a contrastive loss: cosines divided by it are the logits."""

import math
from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.kinds import labels_are_places
from trainadvisor.signals.losses import training_losses

COSINES = {
    "needs": "logits that are cosines between the examples of a batch",
    "zh": "由批内样本间余弦构成的 logits",
    "about": "no-pairs",
}
# What stands for the temperature of a training that has none.
USUAL = 0.1


def _contrast(log: RunLog) -> dict[str, Any] | None:
    """Return the cross-entropy over the examples of a batch, where the loss is made of cosines."""
    losses = training_losses(log)
    if not any((loss.get("graph") or {}).get("cosines") for loss in losses):
        return None
    return next((loss for loss in losses if labels_are_places(loss)), None)


@signal(unit="cosine per logit", **COSINES)
def contrast_temperature(log: RunLog) -> float | None:
    """Temperature of a contrastive loss, at most: the inverse of the largest logit of its first batches.

    A cosine is at most 1, so that logits never exceed 1 / temperature; 0.1 for other trainings.
    """
    loss = _contrast(log)
    largest = number(loss["prediction"].get("max")) if loss else None
    return USUAL if loss is None else 1 / largest if largest and largest > 0 else None


@signal(unit="examples", **COSINES)
def contrast_examples(log: RunLog) -> int | None:
    """Examples among which each has to find its partner."""
    loss = _contrast(log)
    return int(loss["target"]["classes"]) if loss else None


@signal(unit="loss", **COSINES)
def contrast_floor(log: RunLog) -> float | None:
    """Smallest loss that cosines reach at this temperature t: ln(1 + (n - 1) exp(-2 / t)) with n examples."""
    temperature, examples = contrast_temperature(log), contrast_examples(log)
    if not temperature or not examples:
        return None
    return math.log1p((examples - 1) * math.exp(-2 / temperature))


@signal(unit="loss", **COSINES)
def contrast_guess(log: RunLog) -> float | None:
    """Loss of guessing among the examples: ln n."""
    examples = contrast_examples(log)
    return math.log(examples) if examples else None
