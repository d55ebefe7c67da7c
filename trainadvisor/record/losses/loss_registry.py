"""Knows the loss functions of a training: each call site of one, what is known of it, and the first bad value."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainadvisor.record.losses.loss_calls import LossEntry
from trainadvisor.record.losses.whole_graph import WholeGraph

if TYPE_CHECKING:
    import torch

Announce = Callable[..., None]


class LossRegistry:
    """Numbers loss functions by kind, reduction and place, and tells what is known of them."""

    def __init__(self, announce: Announce) -> None:
        """Take the function that is told about a loss."""
        self._announce = announce
        self.entries: dict[tuple[Any, ...], LossEntry] = {}
        # The first loss that was not finite.
        self.nonfinite: float | None = None
        # The tensor that is being differentiated.
        self.last: torch.Tensor | None = None
        self._graph: WholeGraph | None = None

    @property
    def last_root(self) -> Any:
        """The node of the graph that is being differentiated."""
        return None if self.last is None else self.last.grad_fn

    def graph(self) -> WholeGraph:
        """Return the whole graph of what is being differentiated, read once for all that ask."""
        if self._graph is None:
            self._graph = WholeGraph(self.last_root)
        return self._graph

    def let_go(self) -> None:
        """Forget what was being differentiated, and its graph."""
        self.last = self._graph = None

    def announce(self, entry: LossEntry) -> None:
        """Tell what is known of a loss, unless that has been told."""
        state = entry.arguments.batches + 1000 * len(entry.phases) + 10**6 * (entry.graph is not None)
        if entry.announced == state:
            return
        entry.announced = state
        phase = "both" if len(entry.phases) > 1 else next(iter(entry.phases), "train")
        self._announce("loss", entry.fact | {"graph": entry.graph, "phase": phase}, entry.arguments.fact)

    def train_kinds(self) -> set[str]:
        """Return the kinds of loss that the training has called."""
        return {entry.kind for entry in self.entries.values() if "train" in entry.phases}

    def numbered(self, number: object) -> LossEntry | None:
        """Return the loss with this number."""
        return next((entry for entry in self.entries.values() if entry.number == number), None)
