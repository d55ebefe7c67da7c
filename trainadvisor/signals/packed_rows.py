"""Whether attention crosses the borders of documents in packed rows, where the model is told where they are."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import imported

PACKED = {
    "needs": "a run with trainadvisor run of a causal model that is told positions or documents of packed rows",
    "zh": "用 trainadvisor run 运行被告知打包行中位置或文档的因果模型",
    "about": "no-packed-rows",
}

# How arguments begin that give the lengths of documents.
_LENGTHS = "cu_seq"


def _told(log: RunLog) -> dict[str, Any] | None:
    return next((event["detail"] for event in reversed(log.events) if event["kind"] == "packed-rows"), None)


@signal(unit="attentions", **PACKED)
def crossing_attentions(log: RunLog) -> int | None:
    """Attentions in the first batches that see across every border of documents; 0 where any is cut at one."""
    found = _told(log)
    if found is None:
        return None if imported(log) else 0
    return int(found["crossing"]) if found["crossing"] == found["attentions"] else 0


@signal(unit="borders", **PACKED)
def document_borders(log: RunLog) -> int | None:
    """Borders of documents inside of rows that a model was told of."""
    found = _told(log)
    return int(found["borders"]) if found else None


@signal(unit="share", **PACKED)
def marked_borders(log: RunLog) -> float | None:
    """Share of these borders at which one and the same id stands, an end or a start; 1 where lengths are given."""
    found = _told(log)
    if found is None:
        return None
    return 1.0 if found["told_by"].startswith(_LENGTHS) else float(found["marked_share"])


@signal(unit="word", **PACKED)
def borders_told_by(log: RunLog) -> str | None:
    """Argument of the model that tells the borders."""
    found = _told(log)
    return str(found["told_by"]) or None if found else None
