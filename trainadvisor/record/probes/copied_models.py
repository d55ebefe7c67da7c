"""Probe: copies of the trained model that are evaluated: whether their weights and batch statistics follow."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.objects.weight_samples import alike, distance, statistics_of, weights_of
from trainadvisor.record.step import Call, Step

# Models that are known at most, and calls of one at each of which it is compared; later at every so many.
_MOST, _EACH = 16, 10


@dataclass
class _Seen:
    """A model as it was at its first call, and how often it was asked without gradients."""

    weights: list[torch.Tensor]
    statistics: list[torch.Tensor]
    # Steps after which it was called without gradients.
    rounds: int = 0
    last: int = -1


@probe(order=112)
class EvaluatedCopyProbe:
    """Writes events "evaluated-copy" of models that are called without gradients and are not trained."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._seen: dict[int, _Seen] = {}
        self._optimizers: set[int] = set()
        self._trained: set[int] = set()

    def rests_until(self, routine: Routine) -> float:
        """Rest while models and optimizers are known."""
        known = self._seen.keys() >= routine.models.keys() and self._optimizers >= routine.stepped
        return math.inf if known else routine.step

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Keep what a model begins with; compare one that is not trained as it is at some of its calls."""
        number = call.model.number
        seen = self._seen.get(number)
        if seen is None:
            if len(self._seen) >= _MOST:
                return
            seen = self._seen[number] = _Seen(weights_of(call.model), statistics_of(call.model))
        if call.grad or seen.last == self._context.steps_done():
            return
        seen.last = self._context.steps_done()
        seen.rounds += 1
        if number not in self._trained and (seen.rounds <= _EACH or seen.rounds % _EACH == 0):
            self._compare_all(call.model)

    @unless_resting
    def on_close(self, step: Step) -> None:
        """Note which models are trained when an optimizer steps for the first time."""
        if not self._optimizers.issuperset(step.stepped):
            self._optimizers.update(step.stepped)
            self._trained |= self._context.objects.trained_by(step.stepped)

    def _compare_all(self, copy: Model) -> None:
        for number in self._trained & self._seen.keys():
            model = self._context.objects.models.get(number)
            if model is not None:
                self._compare(copy, model)

    def _compare(self, copy: Model, model: Model) -> None:
        ours, theirs = self._seen[copy.number], self._seen[model.number]
        now, learned = weights_of(copy), weights_of(model)
        behind, moved = distance(now, learned), distance(learned, theirs.weights)
        if behind is None or not moved:
            return
        detail: dict[str, Any] = {"copy": copy.number, "of": model.number, "site": copy.site, "lag": behind / moved}
        statistics = statistics_of(model)
        detail |= {
            "rounds": ours.rounds, "original_rounds": theirs.rounds,
            "copied": alike(ours.weights, theirs.weights), "still": alike(now, ours.weights),
            "statistics_still": bool(ours.statistics) and alike(statistics_of(copy), ours.statistics),
            "statistics_move": bool(statistics) and not alike(statistics, theirs.statistics),
        }  # fmt: skip
        self._context.event("evaluated-copy", copy.name, detail)
