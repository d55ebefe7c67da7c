"""Whether an optimizer that keeps averaged weights (schedule-free) gave them to the evaluations."""

from typing import Any

from trainadvisor.log.cleaning import whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

MODES = {
    "needs": "evaluations in eval mode under an optimizer with modes of its own (schedule-free)",
    "zh": "使用自带 train/eval 模式的优化器（schedule-free）时，在 eval 模式下进行的验证",
}


def _seen(log: RunLog) -> dict[str, Any]:
    found = [event for event in log.events if event["kind"] == "optimizer-mode"]
    latest = {event["detail"].get("optimizer"): {**event["detail"], "name": event.get("subject")} for event in found}
    return max(latest.values(), key=lambda detail: whole(detail.get("wrong")) or 0, default={})


@signal(unit="evaluations", **MODES)
def moded_evaluations(log: RunLog) -> int | None:
    """Evaluations in eval mode of a model whose optimizer has modes of its own."""
    return whole(_seen(log).get("evaluations"))


@signal(unit="evaluations", **MODES)
def unswitched_evaluations(log: RunLog) -> int | None:
    """Of these, those in which the optimizer was still in train mode: they saw the weights for gradients."""
    return whole(_seen(log).get("wrong"))


@signal(unit="share", **MODES)
def unswitched_share(log: RunLog) -> float | None:
    """Share of such evaluations in which the optimizer was still in train mode."""
    seen, wrong = moded_evaluations(log), unswitched_evaluations(log)
    return wrong / seen if seen and wrong is not None else None


@signal(unit="", **MODES)
def moded_optimizer(log: RunLog) -> str | None:
    """Class of that optimizer."""
    return _seen(log).get("name") or None
