"""Whether each pass over the data has an order of its own."""

from typing import Any

from trainadvisor.log.cleaning import whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

SAMPLER = {
    "needs": "a training loader whose sampler takes its order from the epoch",
    "zh": "采样顺序取决于轮次编号的训练加载器",
}


def _passes(log: RunLog) -> dict[str, Any]:
    training = {loader["id"] for loader in log.loaders if loader["role"] == "train"}
    found = [e["detail"] for e in log.events if e["kind"] == "sampler-epochs" and e["detail"].get("loader") in training]
    return found[-1] if found else {}


@signal(unit="passes", **SAMPLER)
def sampler_passes(log: RunLog) -> int | None:
    """Passes over the training data under a sampler that takes its order from the epoch."""
    return whole(_passes(log).get("passes"))


@signal(unit="epochs", **SAMPLER)
def sampler_orders(log: RunLog) -> int | None:
    """Different epochs that this sampler was set to at the beginnings of the passes: so many orders there were."""
    return whole(_passes(log).get("different"))


@signal(unit="", **SAMPLER)
def sampler_class(log: RunLog) -> str | None:
    """Class of the sampler that takes its order from the epoch."""
    return _passes(log).get("sampler")
