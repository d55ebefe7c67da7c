"""What plain models get from the inputs of the first batches, beside what the network gets."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.losses import judged_loss

NEEDS = {"needs": "inputs and targets of the first batches", "zh": "最初几个批次的输入与目标"}


def _found(log: RunLog) -> dict[str, Any]:
    """Return what was told of the kind of loss that is judged."""
    loss = judged_loss(log)
    events = [event for event in log.events if event["kind"] == "plain-models"]
    return next((event["detail"] for event in events if loss and event["subject"] == loss["kind"]), {})


@signal(unit="share", **NEEDS)
def plain_share(log: RunLog) -> float | None:
    """Share of other examples that the better of two plain models gets right, or of their scatter that it explains."""
    found = _found(log)
    known = [value for name in ("linear", "nearest") if (value := number(found.get(name))) is not None]
    return max(known, default=None)


@signal(unit="examples", **NEEDS)
def plain_examples(log: RunLog) -> int | None:
    """Examples that the plain models were asked for and not fitted to."""
    tested = number(_found(log).get("tested"))
    return None if tested is None else int(tested)
