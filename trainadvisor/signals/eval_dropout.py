"""Dropout that stays active in eval mode because the model's own code does not pass the mode on."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import imported

PASSES = {
    "needs": "passes of the trained model in eval mode",
    "zh": "训练过的模型在 eval 模式下的前向过程",
}


def eval_dropouts(log: RunLog) -> list[dict[str, Any]]:
    """Return what was told of dropout in eval mode, the newest last."""
    return [event for event in log.events if event["kind"] == "eval-dropout"]


def _last(log: RunLog) -> dict[str, Any] | None:
    told = eval_dropouts(log)
    return told[-1]["detail"] if told else None


@signal(unit="passes", **PASSES)
def eval_dropout_passes(log: RunLog) -> int | None:
    """Passes of the trained model in eval mode in which a function of its forward dropped."""
    last = _last(log)
    return int(last["dropped"]) if last else None if imported(log) else 0


@signal(unit="share", **PASSES)
def eval_dropout_share(log: RunLog) -> float | None:
    """Share of the passes of the trained model in eval mode in which a function of its forward dropped."""
    last = _last(log)
    return last["dropped"] / last["passes"] if last else None if imported(log) else 0.0


@signal(unit="share", **PASSES)
def eval_dropout_repeats(log: RunLog) -> float | None:
    """Share of those passes that were given the very batch of the pass before: the answers are averaged on purpose."""
    last = _last(log)
    return last["repeated"] / last["dropped"] if last else None if imported(log) else 0.0
