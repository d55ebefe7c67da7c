"""Whether the partners that a contrastive loss names are those that look alike."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import imported

PARTNERS = {
    "needs": "a run with trainadvisor run of a contrastive loss over a batch of two views, by cross-entropy",
    "zh": "用 trainadvisor run 运行以交叉熵计算、批内含两个视图的对比损失",
    "about": "no-pairs",
}


def _told(log: RunLog) -> dict[str, Any] | None:
    found = (event["detail"] for event in reversed(log.events) if event["kind"] == "partners")
    return next((told for told in found if told["expected"] > 0 and told["examples"]), None)


def _excess(log: RunLog, field: str) -> float | None:
    """Return by how many standard deviations of chance a count lies above what chance gives."""
    told = _told(log)
    if told is None:
        return None if imported(log) else 0.0
    return float((told[field] - told["expected"]) / told["expected"] ** 0.5)


@signal(unit="standard deviations", **PARTNERS)
def named_partners_excess(log: RunLog) -> float | None:
    """Examples whose nearest one is the partner named by the label, above chance; 0 for other trainings."""
    return _excess(log, "right")


@signal(unit="standard deviations", **PARTNERS)
def other_partners_excess(log: RunLog) -> float | None:
    """Examples whose nearest one is the partner of the other order of views, above chance; 0 for other trainings.

    Of halves where labels name the neighbor, and of neighbors where they name the example half a batch away.
    """
    return _excess(log, "other")


@signal(unit="share", **PARTNERS)
def other_partners_share(log: RunLog) -> float | None:
    """Share of the examples whose nearest one is the partner of the other order of views; 0 for other trainings."""
    told = _told(log)
    if told is None:
        return None if imported(log) else 0.0
    return float(told["other"] / told["examples"])
