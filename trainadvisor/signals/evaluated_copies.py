"""Copies of the trained model that are evaluated in its place."""

from typing import Any

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

COPIES = {
    "needs": "evaluations of a copy of the trained model",
    "zh": "对被训练模型的副本所做的验证",
}


# Part of the steps in which a copy is called from which on it makes targets of the training.
OFTEN = 0.5


def _helps(event: dict[str, Any]) -> bool:
    """Return whether a copy was called in most steps: it helps to train, and is not what is evaluated."""
    rounds, steps = number(event["detail"].get("rounds")), number(event.get("step"))
    return rounds is not None and steps is not None and rounds > max(1, OFTEN * steps)


def _copy(log: RunLog) -> tuple[dict[str, Any], int] | None:
    """Return what was seen last of the copy that was evaluated most, and after how many steps it was."""
    told = [event for event in log.events if event["kind"] == "evaluated-copy" and not _helps(event)]
    latest = {event["detail"].get("copy"): event["detail"] for event in told}
    steps = {key: {record["step"] for record in log.all_evals if record.get("model") == key} for key in latest}
    counts = {key: max(len(steps[key]), _samplings(latest[key])) for key in latest}
    return max(((latest[key], counts[key]) for key in latest), key=lambda copy: copy[1], default=None)


def _samplings(detail: dict[str, Any]) -> int:
    """Return after how many steps a copy that follows the trained model was asked in its place, as to sample."""
    alone = not detail.get("still") and detail.get("original_rounds") == 0
    return whole(detail.get("rounds")) or 0 if alone else 0


@signal(unit="evaluations", **COPIES)
def copy_evaluations(log: RunLog) -> int | None:
    """Steps after which a copy of the trained model was evaluated, or one that follows it was asked in its place."""
    copy = _copy(log)
    return None if copy is None else copy[1]


@signal(unit="steps", **COPIES)
def original_rounds(log: RunLog) -> int | None:
    """Steps after which the trained model itself was called without gradients, beside its copy."""
    copy = _copy(log)
    return None if copy is None else whole(copy[0].get("original_rounds"))


def _truth(log: RunLog, name: str) -> bool | None:
    copy = _copy(log)
    return None if copy is None else bool(copy[0].get(name))


@signal(unit="truth", **COPIES)
def copy_still(log: RunLog) -> bool | None:
    """Whether the weights of the evaluated copy are at the end what they were at its first call."""
    return _truth(log, "still")


@signal(unit="truth", **COPIES)
def copy_from_start(log: RunLog) -> bool | None:
    """Whether the evaluated copy began with the weights with which the trained model began."""
    return _truth(log, "copied")


@signal(unit="truth", **COPIES)
def copy_statistics_still(log: RunLog) -> bool | None:
    """Whether the running statistics of the copy never changed while those of the trained model did."""
    still, move = _truth(log, "statistics_still"), _truth(log, "statistics_move")
    return None if still is None else bool(still and move)


@signal(unit="ratio", **COPIES)
def copy_lag(log: RunLog) -> float | None:
    """Distance of the copy from the trained model at the end over the way that this has gone: 1 = never followed."""
    copy = _copy(log)
    return None if copy is None else number(copy[0].get("lag"))
