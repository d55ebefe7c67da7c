"""Evaluations between which nothing was trained."""

from typing import Any

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal


@signal(
    unit="evaluations",
    needs="evaluations of a recorded training",
    zh="有记录的训练中的评估",
)
def idle_evaluations(log: RunLog) -> int | None:
    """Evaluations of one place that all came after the last step and all gave the same figure; 1 = the usual end."""
    if log.header.get("source", "recorder") != "recorder" or not log.evals or not log.steps.size:
        return None
    places: dict[Any, list[dict[str, Any]]] = {}
    for evaluation in log.all_evals:
        places.setdefault((evaluation.get("series"), str(evaluation.get("site"))), []).append(evaluation)
    return max((len(found) for found in places.values() if _idle(log, found)), default=0)


def _idle(log: RunLog, found: list[dict[str, Any]]) -> bool:
    after_all = all((whole(evaluation.get("step")) or 0) > log.steps[-1] for evaluation in found)
    figures = {(number(evaluation.get("loss")), str(evaluation.get("metrics"))) for evaluation in found}
    return after_all and len(figures) == 1 and figures != {(None, "{}")}
