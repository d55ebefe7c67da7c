"""Caches examples after they have been decoded, resized and parsed for the first time."""

from typing import Any

from trainadvisor.changes.applying.change_application import ChangeApplication, Refusal
from trainadvisor.changes.applying.late_torch import torch
from trainadvisor.changes.declaration import change

_PROBED = 3


@change(
    "cache-data",
    zh="训练数据集的每个样本只生成一次，之后从内存读取。",
    limits="Only where an example is the same each time it is asked for, and the loader has no workers.",
    limits_zh="仅适用于同一样本每次读取结果相同、且 DataLoader 没有工作进程的情形。",
)
def cache_data(application: ChangeApplication) -> None:
    """Keep each example of the training data set in memory once it was loaded."""
    application.never = "no DataLoader was iterated in training"

    def keep(loader: Any) -> None:
        if application.what is not None:
            return
        source = _source(loader.dataset)
        _check(application, loader, source)
        _cache(source)
        application.done(f"each of {len(source)} examples is made once")

    application.when("train_epoch", keep)


def _source(dataset: Any) -> Any:
    """Return the data set that produces the examples, below wrappers that only select from it."""
    while isinstance(dataset, torch.utils.data.Subset):
        dataset = dataset.dataset
    return dataset


def _check(application: ChangeApplication, loader: Any, source: Any) -> None:
    data = torch.utils.data
    if isinstance(source, data.IterableDataset) or hasattr(source, "__getitems__"):
        raise Refusal("the data set gives no single examples")
    if isinstance(source, data.TensorDataset | list):
        raise Refusal("the data are in memory already")
    if loader.num_workers:
        raise Refusal("the loader has workers, each of which would keep its own copy")
    with application.session.aside():
        for place in range(min(_PROBED, len(source))):
            if not _same(source[place], source[place]):
                raise Refusal("an example differs from one time to the next: it is drawn anew, as augmentation does")


def _same(one: Any, other: Any) -> bool:
    """Return whether two examples agree in all that they hold."""
    if isinstance(one, dict):
        return bool(one.keys() == other.keys()) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return bool((one == other).all()) if hasattr(one, "shape") else bool(one == other)


def _cache(source: Any) -> None:
    """Let the data set cache its examples; `isinstance` still sees its class."""
    known: dict[Any, Any] = {}
    kind = type(source)

    def remembered(self: Any, place: Any) -> Any:
        if place not in known:
            known[place] = kind.__getitem__(self, place)
        return known[place]

    source.__class__ = type(kind.__name__, (kind,), {"__getitem__": remembered})
