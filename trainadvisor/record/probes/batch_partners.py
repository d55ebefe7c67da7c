"""Probe: whether the partner that a contrastive loss names is the nearest example, or the one of another order."""

import math
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import may_ask
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_arguments import CLASSIFYING
from trainadvisor.record.losses.loss_calls import named

# Losses that are looked at, and the first ones without such labels after which none is looked at.
_FIRST, _TRIED = 16, 3
_TOLD = {1, 4, _FIRST}
_LEAST, _MOST = 8, 2048


@probe(order=134)
class BatchPartnersProbe:
    """Writes events "partners": which example is nearest to each, where two views of a batch lie in one tensor."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._looks = self._others = self._told = 0
        self._counts = {"examples": 0, "right": 0, "other": 0}
        self._expected, self._order = 0.0, ""

    def rests_until(self, routine: Routine) -> float:
        """Rest once the first batches were looked at."""
        return math.inf if self._over() or not routine.kinds & CLASSIFYING else routine.step

    def _over(self) -> bool:
        return self._looks >= _FIRST or (self._others >= _TRIED and not self._looks)

    @unless_resting
    def on_loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        """Look at the scores of a batch against itself."""
        if self._over() or kind not in CLASSIFYING or not result.requires_grad:
            return
        given = named(kind, args, kwargs)
        scores, labels = given.get("input"), given.get("target")
        if not isinstance(scores, torch.Tensor) or not isinstance(labels, torch.Tensor):
            return
        size = len(scores) if scores.ndim else 0
        square = tuple(scores.shape) == (size, size) and tuple(labels.shape) == (size,) and not size % 2
        if not square or labels.is_floating_point() or not _LEAST <= size <= _MOST:
            self._others += 1
        elif may_ask(self._context.values, self._context.step.number):
            self._look(scores.detach(), labels.detach())

    def _look(self, scores: torch.Tensor, labels: torch.Tensor) -> None:
        places = torch.arange(len(labels), device=labels.device)
        orders = {"halves": (places + len(labels) // 2) % len(labels), "neighbors": places ^ 1}
        told = next((name for name, order in orders.items() if torch.equal(order, labels)), "")
        if not told or self._order not in ("", told):
            self._others += 1
            return
        self._order = told
        nearest = scores.argmax(1)
        other = orders["neighbors" if told == "halves" else "halves"]
        self._looks += 1
        self._counts["examples"] += len(labels)
        self._counts["right"] += int((nearest == labels).sum())
        self._counts["other"] += int((nearest == other).sum())
        self._expected += len(labels) / (len(labels) - 1)
        if self._looks in _TOLD:
            self._tell()

    def on_stop(self, _: str) -> None:
        """Tell what was found since the last time."""
        self._tell()

    def _tell(self) -> None:
        if self._told != self._looks:
            self._told = self._looks
            self._context.event("partners", "", {"order": self._order, "expected": self._expected, **self._counts})
