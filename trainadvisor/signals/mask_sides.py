"""Whether the masks of a sequence model let the real places through, or the padding."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import imported

MASKS = {
    "needs": "a run with trainadvisor run of a sequence model with padding and a mask",
    "zh": "用 trainadvisor run 运行带填充与掩码的序列模型",
    "about": "no-masks",
}
_ATTENTION = "attention"


def _told(log: RunLog) -> dict[str, Any] | None:
    return next((event["detail"] for event in reversed(log.events) if event["kind"] == "mask-sides"), None)


def _inverted(log: RunLog) -> dict[str, Any] | None:
    """Return what was told of inverted masks; beside a right one, what puts a value at padding is no fault."""
    found = _told(log)
    meant = found is not None and found["on"] != _ATTENTION and found["right"] > 0
    return None if found is None or not found["inverted"] or meant else found


@signal(unit="masks", **MASKS)
def inverted_masks(log: RunLog) -> int | None:
    """Masks in the first batches that let nothing but padding through: one id at the ends of rows, or one vector."""
    found = _inverted(log)
    return int(found["inverted"]) if found else None if imported(log) else 0


@signal(unit="lengths", **MASKS)
def inverted_lengths(log: RunLog) -> int | None:
    """How many different numbers of places such masks let through in a row: 1 where all rows are as long."""
    found = _inverted(log)
    return int(found["lengths"]) if found else None


@signal(unit="places", **MASKS)
def padding_shown(log: RunLog) -> int | None:
    """Places of padding that such masks let through."""
    found = _inverted(log)
    return int(found["shown"]) if found else None


@signal(unit="places", **MASKS)
def content_hidden(log: RunLog) -> int | None:
    """Places with content that such masks hide."""
    found = _inverted(log)
    return int(found["hidden"]) if found else None
