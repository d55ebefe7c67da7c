"""Probe: at which places of the embedded ids the labels of a sequence model are found, over the first batches."""

import math
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import may_ask
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses import row_places, sequence_graph
from trainadvisor.record.losses.label_positions import LabelPlaces, taken_from
from trainadvisor.record.losses.loss_arguments import CLASSIFYING
from trainadvisor.record.losses.loss_calls import named
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.sequence_sources import SequenceSources
from trainadvisor.record.losses.step_lookups import read_in_steps
from trainadvisor.record.losses.whole_graph import WholeGraph
from trainadvisor.record.objects import describe
from trainadvisor.record.objects.declared_stops import declared_stops
from trainadvisor.record.step import Call

# Calls of a loss function that are looked at, and those that are looked at in sampled steps after that.
_FIRST, _MOST = 8, 16
_TOLD = {1, 4, _FIRST, _MOST}
# Calls without any ids after which no further one is looked at.
_TRIED = 4
# How often labels are looked at anew, once a training.
_MOST_TRAININGS = 8
# Labels that are compared at most, of a batch.
_MOST_LABELS = 200_000


@probe(order=130)
class LabelAlignmentProbe:
    """Compares labels with what the graph says was embedded: after the model's own shifts and masks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: dict[tuple[str, int], LabelPlaces] = {}
        # Calls that were looked at, and those of them that no ids went into.
        self._calls = self._without = 0
        self._trainings = 1
        self._told: dict[tuple[str, int], int] = {}
        # Ids that a model was called with: what a frozen embedding looks up is not in the graph.
        self._given: list[torch.Tensor] = []
        self._stops: set[int] = set()

    def rests_until(self, routine: Routine) -> float:
        """Rest once the first labels are compared, or where there are none."""
        over = self._over() or self._calls >= _FIRST or not routine.kinds & CLASSIFYING
        return math.inf if over and not self._given else routine.step

    def on_made(self, thing: object, _: object) -> None:
        """Begin anew with an optimizer that is made after labels were looked at: another training has its own."""
        if isinstance(thing, torch.optim.Optimizer) and self._calls and self._trainings < _MOST_TRAININGS:
            for key in self._found.keys() - self._told.keys():
                self._tell(key)
            self._trainings += 1
            self._found, self._told, self._calls, self._without = {}, {}, 0, 0

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Keep the ids that a model is called with until its loss."""
        if not call.grad or not self._due():
            return
        inputs = {name: value for name, value in call.kwargs.items() if "label" not in name and "target" not in name}
        tensors = map(describe.local, describe.tensors_in([call.args, inputs]))
        self._given = [t.detach() for t in tensors if t.dtype == torch.long and t.ndim == 2 and t.shape[1] > 1][:1]
        self._stops |= declared_stops(call.module) if self._given else set()

    def _over(self) -> bool:
        """Return whether the first calls have looked up no ids: nothing is found in later ones."""
        return self._without == self._calls >= _TRIED

    def _due(self) -> bool:
        if self._over():
            return False
        step = self._context.step
        first = self._calls < _FIRST or (step.sample_layers and self._calls < _MOST)
        return first and may_ask(self._context.values, step.number)

    @unless_resting
    def on_loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        """Look at a classifying loss of the training while it is among the first, or its step is sampled."""
        if kind not in CLASSIFYING or not result.requires_grad or not self._due():
            return
        given = named(kind, args, kwargs)
        prediction, target = given.get("input"), given.get("target")
        if not isinstance(prediction, torch.Tensor) or not isinstance(target, torch.Tensor):
            return
        if target.is_floating_point() or prediction.grad_fn is None or not 0 < target.numel() <= _MOST_LABELS:
            return
        self._calls += 1
        self._compare(prediction, target.detach(), given.get("ignore_index", -100))

    @unless_resting
    def on_close(self, _: object) -> None:
        """Let go of what a model was called with."""
        self._given = []

    def _compare(self, prediction: torch.Tensor, target: torch.Tensor, ignored: int) -> None:
        chain = row_places.head_of(prediction)
        nodes = list(sequence_graph.nodes_from(chain[-1]))
        in_steps = read_in_steps(nodes)
        sources = [*sequence_graph.embedded(nodes), *in_steps] or [ids.cpu() for ids in self._given]
        self._without += not sources
        shapes = dict.fromkeys(tuple(ids.shape) for ids in sources)
        for rows, columns in shapes:
            place = row_places.places_of(chain, rows, columns)
            if place is None or place.shape != target.shape:
                continue
            key = (str(prediction.shape[1]), target.ndim)
            found = self._found.setdefault(key, LabelPlaces())
            counts = (target != ignored).cpu()
            like = [ids for ids in sources if ids.shape == (rows, columns)]
            found.add(target.cpu()[counts], place[counts], like)
            found.stops |= self._stops
            if like:
                found.left_out.add(target.cpu(), place, like[0].cpu(), prediction.shape[1], ignored)
            if found.batches == 1:
                found.sources = len(sources)
                taken = taken_from(target.cpu()[counts], place[counts], like)
                if any(taken is ids for ids in in_steps):
                    found.sight, found.own = {sequence_graph.FORWARD}, True
                else:
                    found.own, found.sight = _sight(chain[-1], rows, columns, taken)
                    looked_up = taken if found.own else None
                    found.straight = sequence_graph.goes_straight(chain[-1], rows, columns, looked_up)
            if found.batches in _TOLD:
                self._tell(key)
            return

    def _tell(self, key: tuple[str, int]) -> None:
        found = self._found[key]
        if self._told.get(key) != found.batches:
            self._told[key] = found.batches
            self._context.event("labels", "/".join(map(str, key)), found.fact())

    def on_stop(self, _: str) -> None:
        """Tell what was found since the last time."""
        for key in self._found:
            self._tell(key)


def _sight(root: Any, rows: int, columns: int, taken: torch.Tensor | None) -> tuple[bool, set[str]]:
    """Return what places see of the sequence that labels are taken from; where that is not known, of all."""
    sources = SequenceSources(WholeGraph(root))
    number = None if taken is None else sources.number_of(taken)
    if number is None:
        return False, sequence_graph.sight(root, rows, columns)
    straight = set(sequence_graph.straight_from(root, rows, columns))

    def counts(node: Any) -> bool:
        # a network that reads a whole sequence into a state tells its places nothing of each other
        return sources.read_by(node, number) and ("Rnn" not in bare(node) or node in straight)

    return True, sequence_graph.sight(root, rows, columns, counts)
