"""How many different rows a training gets of a loader that counts many examples."""

from typing import Any

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.shared_rows import MOSTLY

COPIES = {
    "needs": "rows of measured numbers from one indexed training loader, and an evaluation beside it",
    "zh": "来自一个按索引取样的训练加载器的实测数值行，以及同时进行的评估",
}

# Data sets that may hold one part many times, for longer epochs or to draw a rare class more often.
LISTED = "ConcatDataset"


def _told(log: RunLog) -> dict[str, Any]:
    """Return what was seen last of rows that are equal only as copies; empty where it is not certain."""
    told = [event["detail"] for event in log.events if event["kind"] == "shared-rows"]
    known = [d for d in told if (d.get("real_rows") or 0.0) >= MOSTLY * d["looked_at"]]
    return known[-1] if len(known) == len(told) and known else {}


@signal(unit="examples", **COPIES)
def loader_examples(log: RunLog) -> int | None:
    """Examples that the only training loader counts; absent where some are drawn or listed more often on purpose."""
    training = [loader for loader in log.loaders if loader["role"] == "train"]
    if len(training) != 1 or "Weighted" in str(training[0].get("sampler")) or training[0].get("dataset") == LISTED:
        return None
    return whole(training[0].get("examples"))


@signal(unit="examples", **COPIES)
def distinct_rows(log: RunLog) -> int | None:
    """Different rows among the first 4,096 or so that the model was trained on."""
    return whole(_told(log).get("trained_rows"))


@signal(unit="share", **COPIES)
def distinct_share(log: RunLog) -> float | None:
    """These rows as a share of the examples of the loader, or of the rows that were taken where these are fewer."""
    distinct, there, taken = distinct_rows(log), loader_examples(log), number(_told(log).get("trained_taken"))
    return distinct / min(there, taken) if distinct is not None and there and taken else None
