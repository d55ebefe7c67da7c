"""Fixes rows and labels that were shuffled independently of each other."""

import random
from collections.abc import Callable
from typing import Any, Literal

from trainadvisor.changes.applying.change_application import ChangeApplication
from trainadvisor.changes.applying.late_torch import torch
from trainadvisor.changes.declaration import Fallback, change


@change(
    "fix-labels",
    zh="训练开始前，让等长的洗牌采用同一个次序（order = shared），或完全不洗牌（order = kept），使输入与标签重新对应。",
    limits="Shuffles by random, numpy and torch.randperm before the training; a wrong mapping of labels must be mended "
    "in the script.",
    limits_zh="仅处理训练之前经由 random、numpy 与 torch.randperm 的洗牌；标签映射错误须在脚本中修正。",
    fallbacks=(Fallback(0, {}, only_unlearned=True),),
    does=("bring labels and rows into one order", "使标签与样本的顺序一致"),
)
def fix_labels(application: ChangeApplication, *, order: Literal["shared", "kept"] = "shared") -> None:
    """Let shuffles of equal length before the training share one order, or leave all rows in their order."""
    kept = order == "kept"
    alone = "no two sets of rows of equal length were shuffled before the training"
    application.never = "nothing was shuffled before the training" if kept else alone
    orders = _Orders(application, kept=kept)
    for moment in ("model", "epoch"):
        application.when(moment, orders.stop)
    orders.start()


class _Orders:
    """The order that all shuffles of a given length share."""

    def __init__(self, application: ChangeApplication, *, kept: bool) -> None:
        self._application, self._kept, self._active = application, kept, True
        self._known: dict[int, list[int]] = {}

    def start(self) -> None:
        """Replace the functions that shuffle."""
        import numpy as np

        self._replace(random, "shuffle", self._in_place)
        self._replace(np.random, "shuffle", self._in_place)
        self._replace(np.random, "permutation", self._copied)
        self._replace(torch, "randperm", self._indices)
        self._replace(np.random, "RandomState", self._state)
        self._replace(np.random, "default_rng", self._generator)

    def stop(self, *_: object) -> None:
        """Restore them, so that the shuffles of the training are unaffected."""
        self._active = False

    def _replace(self, owner: Any, name: str, maker: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        setattr(owner, name, maker(original))
        self._application.session.undo_with(lambda: setattr(owner, name, original))

    def _of(self, rows: int, draw: Callable[[list[int]], Any]) -> list[int]:
        """Return the order for this number of rows; the first time it is drawn by the script's own generator."""
        if self._kept:
            self._application.done(f"{rows} rows keep their order")
            return list(range(rows))
        if rows not in self._known:
            self._known[rows] = list(range(rows))
            draw(self._known[rows])
        else:
            self._application.done(f"shuffles of {rows} rows share one order")
        return self._known[rows]

    def _in_place(self, original: Any) -> Any:
        def shuffle(rows: Any, *args: Any, **kwargs: Any) -> None:
            if not self._active or getattr(rows, "ndim", 1) == 0:
                original(rows, *args, **kwargs)
                return
            order = self._of(len(rows), original)
            rows[:] = rows[order] if hasattr(rows, "dtype") else [rows[i] for i in order]

        return shuffle

    def _copied(self, original: Any, shuffle: Any = None) -> Any:
        def permutation(rows: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._active or (args or kwargs):
                return original(rows, *args, **kwargs)
            import numpy as np

            values = np.arange(rows) if isinstance(rows, int | np.integer) else np.asarray(rows)
            return values[self._of(len(values), shuffle or np.random.mtrand._rand.shuffle)]

        return permutation

    def _indices(self, original: Any) -> Any:
        def randperm(rows: int, **kwargs: Any) -> Any:
            if not self._active or kwargs.get("out") is not None:
                return original(rows, **kwargs)

            def draw(order: list[int]) -> None:
                order[:] = original(rows, generator=kwargs.get("generator")).tolist()

            plain = {key: value for key, value in kwargs.items() if key in ("device", "dtype")}
            return torch.tensor(self._of(rows, draw), **{"dtype": torch.int64, **plain})

        return randperm

    def _state(self, original: Any) -> Any:
        orders = self

        class RandomState(original):  # type: ignore[misc]
            """numpy's class, with shared orders."""

            def shuffle(self, x: Any) -> None:
                orders._in_place(super().shuffle)(x)

            def permutation(self, x: Any) -> Any:
                return orders._copied(super().permutation, super().shuffle)(x)

        return RandomState

    def _generator(self, original: Any) -> Any:
        import numpy as np

        orders = self

        class Generator(np.random.Generator):
            """numpy's class, with shared orders."""

            def shuffle(self, x: Any, axis: int = 0) -> None:
                if axis:
                    super().shuffle(x, axis)
                else:
                    orders._in_place(super().shuffle)(x)

            def permutation(self, x: Any, axis: int = 0) -> Any:
                return super().permutation(x, axis) if axis else orders._copied(super().permutation, super().shuffle)(x)

        return lambda *args, **kwargs: Generator(original(*args, **kwargs).bit_generator)
