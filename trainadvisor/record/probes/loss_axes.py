"""Probe: axes that a view has exchanged, and softmaxes over an axis that does not hold the alternatives."""

import math
from typing import Any

import torch

from trainadvisor.instrument import private_torch, tracing
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.moved_axes import in_graph, of_input
from trainadvisor.record.losses.softmax_axes import wrong_softmaxes
from trainadvisor.record.losses.whole_graph import WholeGraph
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call

# Steps in which models and losses are looked at.
_LOOKED_AT = frozenset({0, 1})
_MOST_TOLD = 4


@probe(order=60)
class LossAxesProbe:
    """Reads the whole graph of the first losses, and the views that models are called with."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: set[str] = set()
        # Lengths of the first axes of what the model was given, and of the labels.
        self._given = self._labels = 0

    def rests_until(self, routine: Routine) -> float:
        """Rest after the first steps."""
        return math.inf if routine.step > max(_LOOKED_AT) else routine.step

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Look at the inputs of a model in the first steps."""
        if call.grad and self._context.step_number in _LOOKED_AT:
            given = list(describe.tensors_in((call.args, call.kwargs), depth=3))
            self._given = _first_axis(given)
            for tensor in given:
                self._tell_moved(of_input(tensor))

    @unless_resting
    def on_loss(self, _: str, args: tuple[Any, ...], kwargs: dict[str, Any], __: object) -> None:
        """Note how many labels there are."""
        self._labels = _first_axis([args[1] if len(args) > 1 else kwargs.get("target")])

    @unless_resting
    def on_sequence_layer(self, args: tuple[Any, ...], kwargs: dict[str, Any], _: object) -> None:
        """Look at what a recurrent or attention layer reads, a view made inside of the model."""
        if self._context.step_number in _LOOKED_AT and not (tracing.now() or tracing.in_backward()):
            for tensor in describe.tensors_in((args[1:2], kwargs.get("input")), depth=2):
                self._tell_moved(of_input(tensor))

    @unless_resting
    def on_backward_begins(self, *_: Any) -> None:
        """Look at the graph while it is there."""
        root = self._context.losses.last_root
        if root is None or self._context.step_number not in _LOOKED_AT:
            return
        graph = self._context.losses.graph()
        for found in wrong_softmaxes(graph):
            self._tell("softmax-axis", found)
        for found in in_graph(graph, self._given if self._given == self._labels > 1 else None):
            self._tell_moved(found)
        if self._context.step_number == 0:
            self._look_at_images(graph)

    def _look_at_images(self, graph: WholeGraph) -> None:
        """Look at what the first convolution of a graph got, a view made inside of the model."""
        for node in graph.of({"Convolution"}):
            if node.next_functions[0][0] is None:
                given = private_torch.saved(node, "input")
                if isinstance(given, torch.Tensor):
                    self._tell_moved(of_input(given, convolved=True))
                return

    def _tell_moved(self, found: dict[str, Any] | None) -> None:
        if found is not None:
            self._tell("moved-axes", found)

    def _tell(self, kind: str, detail: dict[str, Any]) -> None:
        key = f"{kind} {detail}"
        if key not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(key)
            self._context.event(kind, "", detail)


def _first_axis(given: list[Any]) -> int:
    """Return the length of the first axis of a tensor, 0 without one."""
    first = next(iter(given), None)
    return int(first.shape[0]) if isinstance(first, torch.Tensor) and first.ndim else 0
