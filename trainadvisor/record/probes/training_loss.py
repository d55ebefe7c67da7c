"""Probe: the loss of every step, which loss function made it, and what went into it."""

import math
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument import call_sites
from trainadvisor.instrument.fused_losses import LateScores
from trainadvisor.instrument.private_torch import version
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.record.context import Context, probe
from trainadvisor.record.losses import reference_losses, written_out_losses
from trainadvisor.record.losses.cosines import made_of_cosines, read_given
from trainadvisor.record.losses.loss_arguments import BINARY, CLASSIFYING, LossArguments
from trainadvisor.record.losses.loss_calls import (
    MARK,
    LossCall,
    LossEntry,
    before_rescaling,
    find_divisor,
    has_value,
    is_plain_mean,
    is_scaled_number,
    matching,
    named,
    parameters_of,
    read_accuracy,
    terms,
)
from trainadvisor.record.losses.loss_graph import metadata_of, read_graph, steps_to_read
from trainadvisor.record.losses.shared_divisor import shares_divisor
from trainadvisor.record.losses.standard_parts import tell_part
from trainadvisor.record.objects.known_tensor import KnownTensor
from trainadvisor.record.sampling import Jumps
from trainadvisor.record.step import Step

# Steps after which a loss counts as a jump when it is so many times its running mean.
_STEADY_AFTER, _JUMP = 3, 3.0
_FIRST_BATCHES = 16
_MOST_BATCHES = 200
_MOST_COUNTED = 120
COUNTED = BINARY | CLASSIFYING
_HELD = 4
_TOLD = {1, 4, 16, 64, _MOST_BATCHES}


@probe(order=50)
class TrainingLossProbe:
    """Relates loss calls, backward calls and steps."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._losses = context.losses
        self._entries = context.losses.entries
        self._pending: list[LossCall] = []
        self._serial = 0
        self._jumps = Jumps(_JUMP, _STEADY_AFTER)

    def on_forward_begins(self, _: object) -> None:
        """Let go of a loss that no backward has followed."""
        self._let_go()

    def on_thread_changed(self) -> None:
        """Forget what the thread before was about to train on."""
        self._pending = []

    def on_swap_begins(self, *_: object) -> None:
        """Let go of the graph, whose parameters may be about to change places with others."""
        self._let_go()
        self._losses.let_go()

    def on_marks_wanted(self) -> None:
        """Mark the graph of the last loss: its terms are followed in this step."""
        self._let_go()

    def _let_go(self) -> None:
        if self._pending:
            self._pending[-1].let_go()

    def on_loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        """Take a call of one of torch's loss functions."""
        self._let_go()
        place = kwargs.get("place") or call_sites.user_place(2)
        if len(args) == 2 and self._is_straight(kind, kwargs.get("reduction", "mean"), place, result):
            return
        given = named(kind, args, kwargs)
        first, second = parameters_of(kind)[:2]
        prediction = given.get(first)
        if not isinstance(prediction, torch.Tensor | LateScores):
            return
        entry = self._entry(kind, given, place)
        grad = result.requires_grad and torch.is_grad_enabled()
        # any of the models, because the last one called may be a frozen teacher in eval mode
        models = self._context.step.models
        training = grad and (not models or any(model.is_training for model in models))
        self._serial += 1
        value, known = result.detach(), KnownTensor(result)
        phase = "train" if training else (None if grad else "eval")
        looked_at, added_up = self._is_looked_at(entry, phase), None
        if looked_at or (training and entry.fact["reduction"] == "sum"):
            held = prediction.detach()
            # of two answers that are compared the label says whether they belong together
            target = given.get("target", given.get(second))
            call = LossCall(entry, held, target, training, known, value, self._serial)
            if training and entry.fact["reduction"] == "sum":
                added_up = self._count_terms(call)
        if looked_at:
            self._describe(call, phase)
        if grad:
            if result.grad_fn is not None:
                metadata_of(result.grad_fn)[MARK] = self._serial
            # what waits for the backward holds nothing large
            light = LossCall(entry, value, None, training, known, value, self._serial, added_up)
            self._pending = [*self._pending[1 - _HELD :], light]
        if looked_at and not training:
            self._context.publish("untrained_loss", call, grad)

    def _is_straight(self, kind: str, reduction: object, place: call_sites.Place | None, result: torch.Tensor) -> bool:
        """Take a call of a loss that is known and differentiated itself, of which only the value is wanted."""
        entry = self._entries.get((kind, reduction, place))
        if entry is None or not entry.straight or not (result.requires_grad and torch.is_grad_enabled()):
            return False
        models = self._context.step.models
        if (models and not any(model.is_training for model in models)) or self._is_looked_at(entry, "train"):
            return False
        self._serial += 1
        call = LossCall(entry, result, None, True, None, result, self._serial, held=True)  # noqa: FBT003
        self._pending = [*self._pending[1 - _HELD :], call]
        return True

    def _is_looked_at(self, entry: LossEntry, phase: str | None) -> bool:
        """Return whether more than the value of a loss is wanted."""
        if phase != "train" or phase not in entry.phases or entry.arguments.batches < _FIRST_BATCHES:
            return True
        counts = entry.kind in COUNTED and entry.arguments.counted < _MOST_COUNTED
        return counts or self._context.step.sample_gradients or self._context.step.sample_layers

    def _entry(self, kind: str, given: dict[str, Any], place: call_sites.Place | None) -> LossEntry:
        reduction = given.get("reduction", "mean")
        key = (kind, reduction, place)
        if key not in self._entries:
            fact = {"id": len(self._entries), "name": given.get("told_as", kind), "kind": kind, "reduction": reduction,
                    "site": call_sites.describe(place), "label_smoothing": float(given.get("label_smoothing") or 0.0),
                    "weighted": given.get("weight") is not None or given.get("pos_weight") is not None,
                    "ignore_index": given.get("ignore_index", -100)}  # fmt: skip
            settings = reference_losses.settings_of(kind, given)
            fact |= settings | ({"probabilities": True} if given.get("probabilities") else {})
            self._entries[key] = LossEntry(len(self._entries), kind, fact, LossArguments(kind, settings))
            reference_losses.read_weights(
                given, self._context.values.read, self._context.step.expect, self._entries[key].fact
            )
        return self._entries[key]

    def _describe(self, call: LossCall, phase: str | None) -> None:
        """Measure the arguments in the first batches and sampled steps; of evaluations where nothing trains on it."""
        entry, step = call.entry, self._context.step
        new_phase = phase is not None and phase not in entry.phases
        if phase is not None:
            entry.phases.add(phase)
        batches = entry.arguments.batches
        due = batches < _FIRST_BATCHES or (step.sample_layers and batches < _MOST_BATCHES)
        if due and (phase != "eval" or "train" not in entry.phases):
            target = call.target if isinstance(call.target, torch.Tensor) else None
            read = self._context.values.read
            entry.arguments.add(
                call.prediction, target, entry.fact["ignore_index"], read, step.expect, value=call.value
            )
        elif phase == "train" and entry.kind in COUNTED and entry.arguments.counted < _MOST_COUNTED:
            entry.arguments.count(
                call.prediction, call.target, entry.fact["ignore_index"], self._context.values.read, step.expect
            )
        if phase != "eval" and step.sample_gradients:
            read_accuracy(call, self._context.values.read, step.expect, step.fields)
        if new_phase or entry.arguments.batches in _TOLD:
            self._losses.announce(entry)

    def on_backward_begins(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Take the tensor that is differentiated: find its loss call, read its value, look at its graph."""
        tensors = args[0] if args else kwargs.get("tensors")
        tensor = tensors[0] if isinstance(tensors, tuple | list) and tensors else tensors
        pending, self._pending = self._pending, []
        step = self._context.step
        step.micro += 1
        self._losses.let_go()
        held = pending[0] if len(pending) == 1 and pending[0].held and pending[0].labels is None else None
        if held is not None and isinstance(tensor, torch.Tensor) and held.gave(tensor) and self._take_straight(held):
            return
        if isinstance(tensor, torch.Tensor) and has_value(tensor):
            self._losses.last = tensor
            self._take_root(tensor, pending, step)

    def _take_root(self, tensor: torch.Tensor, pending: list[LossCall], step: Step) -> None:
        """Find the loss call of a root, read its value, look at its graph."""
        plain = self._context.scale.before(tensor)
        call, scaled = matching(pending, plain)
        for part in pending:
            alone = part is call and len(pending) == 1
            part.entry.straight = alone and is_plain_mean(part, tensor)
            part.entry.scaled = alone and scaled and is_scaled_number(part, tensor) and not version(part.value)
        parts = [part for part in pending if part.training or part is call]
        entry = call.entry if call else self._custom(parts)
        entry.phases.add("train")
        if call is not None:
            self._context.counts.divided = scaled
            if scaled and entry.fact["reduction"] == "sum" and "divisor" not in entry.fact:
                find_divisor(call, plain, self._context.values.read, step.expect)
        self._add_value(self._comparable(call, plain, scaled=scaled), entry, step)
        if call is None and parts:
            tell_part(entry, parts, plain, self._context.values, step)
        if entry.kind == "custom" and step.number < written_out_losses.FIRST_STEPS:
            written_out_losses.estimate(plain, entry.fact, self._context.values.read, step.expect)
            read_given(plain, entry.fact, self._context.values.read, step.expect)
        if entry.graph is None or step.number in steps_to_read(entry.graph):
            self._read_graph(plain, entry, step)
        elif not step.models and self._context.objects.loose is not None:
            step.models.append(self._context.objects.loose)  # what trains where no model is called

    def _take_straight(self, call: LossCall) -> bool:
        """Take the backward of a loss that nothing was made of, when only its value is wanted."""
        entry, step = call.entry, self._context.step
        due = entry.graph is None or step.number in steps_to_read(entry.graph)
        if due or not step.models or self._context.scale.reading is not None:
            return False
        self._losses.last = call.value
        self._context.counts.divided = False
        self._add_value(call.value, entry, step)
        return True

    def _comparable(self, call: LossCall | None, differentiated: torch.Tensor, *, scaled: bool) -> torch.Tensor:
        """Return the value that is told of a step: of a mean before it is scaled, of a sum by the example.

        A sum that the script divides is told as it comes out of that.
        """
        if call is None or call.value.numel() != 1:
            return differentiated
        if call.entry.fact["reduction"] == "mean":
            return before_rescaling(differentiated) if scaled and version(call.value) else call.value
        if call.terms is None or scaled:
            return differentiated
        call.entry.fact["by_example"] = True
        return call.value / call.terms.to(call.value.device).clamp_min(1)

    def _count_terms(self, call: LossCall) -> torch.Tensor:
        """Return how many examples a summed loss adds up; note it, once."""
        fact, count = call.entry.fact, terms(call)
        if "terms" not in fact:
            fact["terms"] = None
            self._context.step.expect(
                self._context.values.read(count), lambda numbers: fact.update(terms=numbers[0] or None)
            )
        return count

    def on_backward_ends(self, *_: object) -> None:
        """Let go of the graph."""
        self._losses.let_go()

    # whoever goes on after a backward that had too little memory needs what its graph holds
    on_backward_fails = on_backward_ends

    def on_direct_backward(self, tensor: torch.Tensor) -> None:
        """Take a loss that torch.func or torch.autograd.grad has differentiated."""
        step = self._context.step
        step.micro += 1
        self._pending = []
        self._add_value(tensor.detach().float().mean(), self._custom([]), step)

    def _custom(self, parts: list[LossCall]) -> LossEntry:
        entry = self._entry("custom", {"reduction": "custom"}, call_sites.user_place(2))
        entry.phases.add("train")
        entry.fact["parts"] = sorted({part.entry.number for part in parts})
        return entry

    def _add_value(self, value: torch.Tensor, entry: LossEntry, step: Step) -> None:
        fields, values = step.fields, step.losses
        fields["loss_id"] = entry.number

        def arrived(numbers: list[float]) -> None:
            values.append(numbers[0])
            fields["loss"] = sum(values) / (1 if shares_divisor(entry.fact, len(values)) else len(values))
            if self._losses.nonfinite is None and not math.isfinite(numbers[0]):
                self._losses.nonfinite = numbers[0]
                slot.clear()
            if self._jumps.is_one(step.number, abs(numbers[0])):
                self._context.look_closer()

        step.expect(self._context.values.read(value), arrived)

    def _read_graph(self, tensor: torch.Tensor, entry: LossEntry, step: Step) -> None:
        facts = read_graph(tensor.grad_fn)
        inventory = self._context.objects
        known = len(inventory.of_parameter)
        numbers = []
        for leaf in facts.leaves:
            if id(leaf) in inventory.of_parameter:
                numbers.append(inventory.of_parameter[id(leaf)])
            elif any(model.sharded for model in step.models):
                facts.opaque = True  # the whole parameters, put together for this backward only
            elif isinstance(leaf, nn.Parameter) or not self._context.boundaries.optimizer_seen:
                numbers.append(inventory.add_loose(leaf))
        if len(inventory.of_parameter) != known:
            inventory.describe_loose()
        loose = inventory.loose
        if loose is not None and loose not in step.models and not set(loose.numbers).isdisjoint(numbers):
            step.models.append(loose)
        reached = set(numbers) | set((entry.graph or {}).get("parameters", []))
        new = facts.as_fact(sorted(reached)) | {"cosines": made_of_cosines(tensor.grad_fn)}
        if new != entry.graph:
            entry.graph = new
            entry.announced = -1
            self._losses.announce(entry)

    def on_stop(self, _: str) -> None:
        """Tell the last state of every loss."""
        self._pending = []
        for entry in self._entries.values():
            self._losses.announce(entry)
