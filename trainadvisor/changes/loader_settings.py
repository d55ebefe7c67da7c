"""Data loading: batch size, order, workers, and the length of training."""

from typing import Any

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.late_torch import torch
from trainadvisor.changes.declaration import Run, change
from trainadvisor.changes.line_edits import Arguments, Made, SetArgument, given, literal

_ORDER = ("dataset", "batch_size", "shuffle", "sampler", "batch_sampler", "num_workers", "collate_fn", "pin_memory")


def _with_options(application: ChangeApplication, turn: Any) -> None:
    """Let `turn(options)` change the named arguments of each new loader."""

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        loader, *given = args
        options = dict(zip(_ORDER, given, strict=False)) | kwargs
        if len(given) <= len(_ORDER):
            turn(options)
        else:
            application.refuse("the loader is made with more positional arguments than can be told apart")
            return call(*args, **kwargs)
        return call(loader, **options)

    application.around("loader_made", around)


def _trains(options: dict[str, Any]) -> bool:
    """Return whether a loader is for training: it shuffles, or its sampler does."""
    sampler = options.get("sampler") or options.get("batch_sampler")
    return bool(options.get("shuffle")) or "Random" in type(sampler).__name__


def _new_size(arguments: Arguments, made: Made) -> str | None:
    value, factor = arguments.get("value"), arguments.get("factor")
    if value is None and isinstance(factor, int | float):
        value = max(1, round(float(made.get("batch_size") or 0) * factor))
    return None if value is None else literal(value)


def _set_size(arguments: Arguments, run: Run) -> dict[str, Any]:
    value, factor, present = arguments.get("value"), arguments.get("factor"), run.get("batch_median")
    if value is None and isinstance(factor, int | float) and isinstance(present, int | float):
        value = max(1, round(present * factor))
    return {} if value is None else {"batch_median": value}


@change(
    "batch-size",
    zh="训练用 DataLoader 的批大小改为 value 或乘以 factor。",
    limits="Not for a batch sampler of the script's own; a loader that keeps the order is known when it is iterated.",
    limits_zh="不适用于自定义 batch_sampler；不打乱顺序的 DataLoader 要到被遍历时才能识别。",
    may_end_early=True,
    alone=True,
    edits=(SetArgument("loader", "batch_size", _new_size),),
    sets=_set_size,
    rules_out=("the batch size", "批大小"),
)
def batch_size(application: ChangeApplication, *, value: int | None = None, factor: float | None = None) -> None:
    """Set the batch size of the training loader, or multiply it."""
    application.never = "no DataLoader was iterated in training"
    if (value is None) == (factor is None):
        application.refuse("it takes either value or factor")
        return

    def turn(options: dict[str, Any]) -> None:
        if not _trains(options):
            return
        before = options.get("batch_size", 1)
        if before is None or options.get("batch_sampler") is not None:
            application.refuse("the loader has a batch sampler of its own")
            return
        options["batch_size"] = new(before)
        application.done(f"batch size {before} -> {options['batch_size']}")

    def new(before: int) -> int:
        return max(1, value if value is not None else round(before * (factor or 1.0)))

    def resize(loader: Any) -> None:
        before = loader.batch_size
        if application.what is not None:
            return
        if before is None or loader.batch_sampler is None:
            application.refuse("the loader has a batch sampler of its own")
            return
        loader.batch_sampler.batch_size = new(before)
        object.__setattr__(loader, "batch_size", new(before))  # the loader does not allow a new one to be set
        application.done(f"batch size {before} -> {new(before)}")

    _with_options(application, turn)
    application.when("train_epoch", resize)


@change(
    "shuffle",
    zh="让训练用 DataLoader 在每个 epoch 打乱顺序；最先被训练遍历的那个视为训练用。",
    limits="Not for iterable data sets, own samplers, and loops without a DataLoader.",
    limits_zh="不适用于可迭代数据集、自定义采样器以及没有 DataLoader 的循环。",
    edits=(SetArgument("loader", "shuffle", given("shuffle")),),
    rules_out=("the order of the data", "数据的顺序"),
)
def shuffle(application: ChangeApplication, *, shuffle: bool = True) -> None:
    """Let the training loader draw its examples in a new order in every epoch."""
    application.never = "no DataLoader that keeps the order was iterated in training"

    def reorder(loader: Any) -> None:
        from torch.utils.data import BatchSampler, IterableDataset, RandomSampler, SequentialSampler

        wanted, present = (RandomSampler, SequentialSampler) if shuffle else (SequentialSampler, RandomSampler)
        sampler = loader.batch_sampler
        if isinstance(loader.dataset, IterableDataset) or type(sampler) is not BatchSampler:
            application.refuse("the loader has an iterable data set or a batch sampler of its own")
        elif isinstance(sampler.sampler, present):
            sampler.sampler = wanted(loader.dataset)
            object.__setattr__(loader, "sampler", sampler.sampler)  # the loader does not allow a new one to be set
            application.done(
                "the training's loader shuffles now" if shuffle else "the training's loader keeps the order now"
            )

    application.when("train_epoch", reorder)


@change(
    "workers",
    zh="DataLoader 使用 num_workers 个工作进程。",
    limits="On systems that spawn processes the script needs an `if __name__ == '__main__'`.",
    limits_zh="在以 spawn 方式创建进程的系统上，脚本需要 `if __name__ == '__main__'`。",
    edits=(SetArgument("loader", "num_workers", given("num_workers")),),
    sets=lambda arguments, _: {"workers": arguments["num_workers"]},
)
def workers(application: ChangeApplication, *, num_workers: int = 2) -> None:
    """Load the training data in worker processes that persist through all epochs."""
    application.never = "no DataLoader was made"

    def turn(options: dict[str, Any]) -> None:
        before = options.get("num_workers", 0)
        options |= {"num_workers": num_workers, "persistent_workers": num_workers > 0}
        if not num_workers:
            options.pop("prefetch_factor", None)
        application.done(f"{before} -> {num_workers} workers")

    _with_options(application, turn)


@change(
    "pin-memory",
    zh="DataLoader 使用锁页内存。",
    limits="It helps only where an accelerator is present.",
    limits_zh="仅在有加速卡时有用。",
    edits=(SetArgument("loader", "pin_memory", given("pin_memory")),),
)
def pin_memory(application: ChangeApplication, *, pin_memory: bool = True) -> None:
    """Let loaders place their batches in pinned memory."""
    application.never = "no DataLoader was made"

    def turn(options: dict[str, Any]) -> None:
        if not torch.accelerator.is_available():
            application.refuse("there is no accelerator that pinned memory would serve")
            return
        options["pin_memory"] = pin_memory
        application.done(f"pin_memory is {pin_memory}")

    _with_options(application, turn)


@change(
    "train-longer",
    zh="每个 epoch 把训练数据遍历 factor 遍（向上取整），相当于训练更久。",
    limits="Only with a DataLoader; a schedule that the script moves once an epoch does not know of the repetition.",
    limits_zh="仅适用于 DataLoader；脚本按 epoch 推进的调度不知道这种重复。",
    comparable=False,
)
def train_longer(application: ChangeApplication, *, factor: float = 2.0) -> None:
    """Iterate over the training data several times in every epoch."""
    application.never = "no DataLoader was iterated in training"
    times = max(1, -int(-factor // 1))

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        loader = args[0]
        if loader.dataset is not application.session.train_data or not torch.is_grad_enabled():
            return call(*args, **kwargs)
        application.done(f"each epoch passes {times} times over the training's data")
        return (batch for _ in range(times) for batch in call(*args, **kwargs))

    application.around("epoch", around)
