"""What the graphs of the losses show: vectors that met as row and column, terms that reach nothing, empty factors."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.losses import training_losses

GRAPH = {
    "needs": "the graph of the loss at the first backward passes",
    "zh": "最初几次反向传播时损失的计算图",
}

Fact = dict[str, Any]


def _told(log: RunLog, kind: str) -> list[Fact]:
    return [event["detail"] for event in log.events if event.get("kind") == kind]


# -- vectors that met as row and column


@signal(unit="examples", **GRAPH)
def crossed_examples(log: RunLog) -> int | None:
    """Number N of examples each of which meets every other on the way into the loss, as [N] with [N, 1]; 1: none."""
    sizes = [max(shape[0] for shape in detail["shapes"]) for detail in _told(log, "crossed-shapes")]
    read = any(loss.get("graph") for loss in training_losses(log))
    return max(sizes, default=1 if read else None)


@signal(unit="shapes", **GRAPH)
def crossed_shapes(log: RunLog) -> str | None:
    """The two shapes that met in this operation."""
    told = _told(log, "crossed-shapes")
    return " / ".join(str(tuple(shape)) for shape in told[0]["shapes"]) if told else None


@signal(unit="name", **GRAPH)
def crossed_operation(log: RunLog) -> str | None:
    """The operation on the way into the loss in which the two met: Mul, Sub, Div, ..."""
    told = _told(log, "crossed-shapes")
    return str(told[0]["op"]).partition("Backward")[0] if told else None
