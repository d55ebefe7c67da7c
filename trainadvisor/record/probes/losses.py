"""Probe: the loss of every step, which loss function made it, and what went into it."""

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from trainadvisor.record import sites
from trainadvisor.record.inventory import Model
from trainadvisor.record.iteration import Iteration
from trainadvisor.record.probes.arguments import BINARY, CLASSIFYING, LossArguments
from trainadvisor.record.probes.graph import bare, read_graph

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder

_FIRST_BATCHES = 16
_MOST_BATCHES = 200
_MOST_COUNTED = 500
COUNTED = BINARY | CLASSIFYING
_GRAPH_STEPS = {0, 1, 2, 5, 10, 20, 50, 200, 1000}
_SCALINGS = ("Div", "Mul", "ToCopy", "Mean", "Sum", "View", "Squeeze")
_HELD = 4


@dataclass
class LossCall:
    """One call of a loss function."""

    entry: "LossEntry"
    prediction: torch.Tensor
    target: object
    training: bool
    result: "weakref.ref[torch.Tensor]"
    node: Any


@dataclass
class LossEntry:
    """One loss function at one place of the user's code."""

    number: int
    kind: str
    fact: dict[str, Any]
    arguments: LossArguments
    graph: dict[str, Any] | None = None
    phases: set[str] = field(default_factory=set)
    announced: int = 0


class LossProbe:
    """Relates loss calls, backward calls and steps."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder
        self._entries: dict[tuple[Any, ...], LossEntry] = {}
        self._pending: list[LossCall] = []
        self.last_value: float | None = None
        self.last_root: Any = None

    def on_loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        """Take a call of one of torch's loss functions."""
        prediction = args[0] if args else kwargs.get("input")
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if not isinstance(prediction, torch.Tensor):
            return
        entry = self._entry(kind, kwargs, sites.user_place(2))
        grad = result.requires_grad and torch.is_grad_enabled()
        model = self._recorder.iteration.models[-1] if self._recorder.iteration.models else None
        training = grad and _training(model)
        call = LossCall(entry, prediction.detach(), target, training, weakref.ref(result), result.grad_fn if training else None)
        self._describe(call, "train" if grad else "eval")
        if grad:
            self._pending = [*self._pending[1 - _HELD :], call]
        if not training:
            self._recorder.evaluation.saw_loss(call, result.detach(), grad=grad)

    def _entry(self, kind: str, kwargs: dict[str, Any], place: sites.Place | None) -> LossEntry:
        reduction = kwargs.get("reduction", "mean")
        key = (kind, reduction, place)
        if key not in self._entries:
            fact = {"id": len(self._entries), "name": kind, "kind": kind, "site": sites.describe(place), "reduction": reduction,
                    "label_smoothing": float(kwargs.get("label_smoothing") or 0.0), "weighted": kwargs.get("weight") is not None,
                    "ignore_index": kwargs.get("ignore_index", -100)}  # fmt: skip
            self._entries[key] = LossEntry(len(self._entries), kind, fact, LossArguments(kind))
        return self._entries[key]

    def _describe(self, call: LossCall, phase: str) -> None:
        """Measure the arguments of the first batches and of sampled steps; evaluation only where nothing trains on the loss."""
        entry, iteration = call.entry, self._recorder.iteration
        new_phase = phase not in entry.phases
        entry.phases.add(phase)
        due = entry.arguments.batches < _FIRST_BATCHES or (iteration.sample_layers and entry.arguments.batches < _MOST_BATCHES)
        if due and (phase == "train" or "train" not in entry.phases):
            target = call.target if isinstance(call.target, torch.Tensor) else None
            entry.arguments.add(call.prediction, target, entry.fact["ignore_index"], self._recorder.values.read, iteration.expect)
        elif phase == "train" and entry.kind in COUNTED and entry.arguments.counted < _MOST_COUNTED:
            entry.arguments.count(call.prediction, call.target, self._recorder.values.read, iteration.expect)
        if phase == "train" and iteration.sample_gradients:
            self._accuracy(call, iteration)
        if new_phase or entry.arguments.batches in {1, 4, 16, 64, _MOST_BATCHES}:
            self.announce(entry)

    def announce(self, entry: LossEntry) -> None:
        """Tell what is known of a loss, unless that has been told."""
        if entry.announced == entry.arguments.batches + 1000 * len(entry.phases) + 10**6 * (entry.graph is not None):
            return
        entry.announced = entry.arguments.batches + 1000 * len(entry.phases) + 10**6 * (entry.graph is not None)
        phase = "both" if len(entry.phases) > 1 else next(iter(entry.phases), "train")
        self._recorder.announce("loss", entry.fact | entry.arguments.fact() | {"graph": entry.graph, "phase": phase})

    def _accuracy(self, call: LossCall, iteration: Iteration) -> None:
        right = correct(call)
        if right is not None:
            fields = iteration.fields
            iteration.expect(self._recorder.values.read(right.float().mean()), lambda values: fields.update(accuracy=values[0]))

    def on_backward_begins(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Take the tensor that is differentiated: find its loss call, read its value, look at its graph."""
        tensors = args[0] if args else kwargs.get("tensors")
        tensor = tensors[0] if isinstance(tensors, tuple | list) and tensors else tensors
        iteration = self._recorder.iteration
        iteration.micro += 1
        self.last_root = None
        if not isinstance(tensor, torch.Tensor) or tensor.numel() != 1 or tensor.grad_fn is None:
            self._pending = []
            return
        self.last_root = tensor.grad_fn
        plain = self._recorder.precision.unscaled(tensor)
        call = self._matching(plain)
        parts = [pending for pending in self._pending if pending.training or pending is call]
        entry = call.entry if call else self._custom(parts)
        value = call.result() if call else plain
        self._note_division(call, plain)
        self._add_value(plain if value is None or value.numel() != 1 else value, entry, iteration, parts, call)
        if iteration.step in _GRAPH_STEPS or entry.graph is None:
            self._read_graph(plain, entry, iteration)
        self._pending = []

    def _matching(self, tensor: torch.Tensor) -> LossCall | None:
        """Return the loss call whose result is the tensor, or becomes it by scaling alone."""
        for call in reversed(self._pending):
            if call.result() is tensor:
                return call
        node = tensor.grad_fn
        for _ in range(4):
            if node is None:
                return None
            call = next((c for c in self._pending if c.node is node), None)
            inner = [n for n, _ in node.next_functions if n is not None]
            if call is not None or not bare(node).startswith(_SCALINGS) or len(inner) != 1:
                return call
            node = inner[0]
        return None

    def _note_division(self, call: LossCall | None, tensor: torch.Tensor) -> None:
        """Note whether the loss was divided on its way to backward, as gradient accumulation needs."""
        result = call.result() if call else None
        self._recorder.wiring.divided = result is None or result is not tensor

    def _custom(self, parts: list[LossCall]) -> LossEntry:
        entry = self._entry("custom", {"reduction": "custom"}, sites.user_place(2))
        entry.phases.add("train")
        entry.fact["parts"] = sorted({part.entry.number for part in parts})
        return entry

    def _add_value(self, value: torch.Tensor, entry: LossEntry, iteration: Iteration, parts: list[LossCall], call: LossCall | None) -> None:
        fields = iteration.fields
        fields["loss_id"] = entry.number
        values = iteration.losses
        self.last_value = None

        def arrived(numbers: list[float]) -> None:
            values.append(numbers[0])
            fields["loss"] = sum(values) / len(values)
            self.last_value = numbers[0]

        iteration.expect(self._recorder.values.read(value), arrived)
        part = parts[0].result() if parts and call is None else None
        if part is not None and part.numel() == 1:
            fields["part_id"] = parts[0].entry.number
            iteration.expect(self._recorder.values.read(part), lambda numbers: fields.update(part=numbers[0]))

    def _read_graph(self, tensor: torch.Tensor, entry: LossEntry, iteration: Iteration) -> None:
        facts = read_graph(tensor.grad_fn)
        inventory = self._recorder.inventory
        known = len(inventory.of_parameter)
        numbers = []
        for leaf in facts.leaves:
            if id(leaf) in inventory.of_parameter:
                numbers.append(inventory.of_parameter[id(leaf)])
            elif isinstance(leaf, nn.Parameter) or not self._recorder.optimizer_seen:
                numbers.append(inventory.add_loose(leaf))
        if len(inventory.of_parameter) != known:
            inventory.describe_loose()
        loose = inventory.loose
        if loose is not None and loose not in iteration.models and not set(loose.numbers).isdisjoint(numbers):
            iteration.models.append(loose)
        reached = set(numbers) | set((entry.graph or {}).get("parameters", []))
        new = facts.as_fact(sorted(reached))
        if new != entry.graph:
            entry.graph = new
            entry.announced = -1
            self.announce(entry)

    def train_kinds(self) -> set[str]:
        """Return the kinds of loss that the training has called."""
        return {entry.kind for entry in self._entries.values() if "train" in entry.phases}

    def on_stop(self, _: str) -> None:
        """Tell the last state of every loss."""
        for entry in self._entries.values():
            self.announce(entry)


def _training(model: Model | None) -> bool:
    return model is None or any(root.training for root in model.roots) or not model.roots


def correct(call: LossCall) -> torch.Tensor | None:
    """Return for each example whether the prediction is right, for class indices and binary targets; else None."""
    prediction, target = call.prediction, call.target
    if not isinstance(target, torch.Tensor):
        return None
    target = target.detach()
    if call.entry.kind in CLASSIFYING and not target.is_floating_point() and prediction.ndim == target.ndim + 1 and prediction.ndim > 1:
        return prediction.argmax(1) == target
    if call.entry.kind in BINARY and prediction.shape == target.shape:
        border = 0.5 if call.entry.kind == "binary_cross_entropy" else 0.0
        return (prediction > border) == (target > 0.5)
    return None
