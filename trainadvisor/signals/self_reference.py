"""Whether a model is compared with itself where a reference of its own was meant."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.loss import NEEDS, losses
from trainadvisor.signals.robust_statistics import median

ANSWERS = {
    "needs": "steps in which the trained model ran with and without gradients",
    "zh": "被训练的模型既计算梯度又不计算梯度地运行的步骤",
}
STILL, LEAST_LOSS = 1e-6, 1e-3


def _seen(log: RunLog) -> dict[str, Any]:
    found = [event["detail"] for event in log.events if event["kind"] == "self-reference"]
    return found[-1] if found else {}


def _share(log: RunLog, name: str) -> float | None:
    looked, found = number(_seen(log).get("looked")), number(_seen(log).get(name))
    return found / looked if looked and found is not None else None


@signal(unit="steps", **ANSWERS)
def self_reference_steps(log: RunLog) -> int | None:
    """Early steps that were looked at for a model that is its own reference."""
    looked = number(_seen(log).get("looked"))
    return None if looked is None else int(looked)


@signal(unit="share", **ANSWERS, about="no-reference")
def self_reference_share(log: RunLog) -> float | None:
    """Share of early steps in which the trained model gave one input the same answer with and without gradients."""
    return _share(log, "equal")


@signal(unit="share", **ANSWERS)
def self_distance_share(log: RunLog) -> float | None:
    """Share of early steps in which, besides, a distance that is trained on (MSE, KL, ...) was exactly zero."""
    return _share(log, "zero")


@signal(unit="truth", **NEEDS)
def loss_still(log: RunLog) -> bool | None:
    """Whether the training loss is one and the same number, other than zero, at every step."""
    found = losses(log)
    if found is None:
        return None
    middle = abs(median(found))
    return bool(middle > LEAST_LOSS and np.ptp(found) <= STILL * middle)


@signal(unit="loss", **NEEDS)
def loss_typical(log: RunLog) -> float | None:
    """Median of the training loss over all steps."""
    found = losses(log)
    return None if found is None else median(found)
