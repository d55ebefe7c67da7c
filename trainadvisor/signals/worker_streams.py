"""Whether the workers of a training loader give one stream several times."""

from typing import Any

from trainadvisor.log.cleaning import whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

WORKERS = {
    "needs": "a training loader of an iterable data set with several workers",
    "zh": "使用多个 worker 读取可迭代数据集的训练加载器",
}
# Batches that have to be compared: one could be a common beginning.
LEAST = 2


def _seen(log: RunLog) -> dict[str, Any]:
    training = {loader["id"] for loader in log.loaders if loader["role"] == "train"}
    found = [e["detail"] for e in log.events if e["kind"] == "worker-copies" and e["detail"].get("loader") in training]
    return found[-1] if found else {}


@signal(unit="workers", **WORKERS)
def stream_workers(log: RunLog) -> int | None:
    """Workers that read the iterable data set of the training."""
    return whole(_seen(log).get("workers"))


@signal(unit="share", **WORKERS)
def worker_copy_share(log: RunLog) -> float | None:
    """Share of the batches of the other workers that equal the one of the first worker, in the first rounds."""
    compared, same = whole(_seen(log).get("compared")), whole(_seen(log).get("same"))
    return same / compared if compared is not None and compared >= LEAST and same is not None else None
