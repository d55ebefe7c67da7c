"""Probe: which models an optimizer trains, where objects were made, and parameters exchanged after the fact."""

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from trainadvisor.instrument import call_sites
from trainadvisor.instrument.gradients import gradient_of
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.step import Call, Step

# Steps of a run at which a model is compared with what is known of it.
_CHECKS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
CHECKED = frozenset(_CHECKS)
_UNKNOWN = {"id": -1}
# Steps before which a part of a model may wait for its turn.
_SETTLED = 10


@probe(order=20)
class ParameterCoverageProbe:
    """Keeps models, optimizers and parameters related to each other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # How many parameters each optimizer (by number) held when it was last looked at.
        self._sizes: dict[int, int] = {}
        self._last: list[int] = []
        # Whether a new optimizer holds parameters that no model has, which may be adapters put into a known one.
        self._strange = False

    def rests_until(self, routine: Routine) -> float:
        """Rest until models are compared again."""
        if self._strange:
            return 0
        return next((step for step in _CHECKS if step >= routine.step), math.inf)

    def on_made(self, thing: object, place: call_sites.Place | None) -> None:
        """Remember where an object was made."""
        self._context.objects.note_place(thing, place)

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Describe a model anew when its parameters are no longer those that were known."""
        context = self._context
        known = bool(call.model.alive) and call.model.alive[0]() is call.module
        if not call.grad:
            return
        if (not known and call.module not in call.model.roots) or context.step_number in CHECKED or self._strange:
            context.objects.refresh_if_grown(call.model)

    @unless_resting
    def on_forward_ends(self, call: Call) -> None:
        """Describe a model whose lazy layers have got their shapes."""
        if call.model.lazy:
            self._context.objects.refresh_if_grown(call.model)

    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Relate an optimizer to the models that it trains, the first time it steps and when it has grown."""
        inventory = self._context.objects
        number = inventory.optimizers.get(id(optimizer), _UNKNOWN)["id"]
        size = 0
        for group in optimizer.param_groups:
            size += len(group["params"])
        if self._sizes.get(number) == size and self._context.step_number not in CHECKED and not self._strange:
            return
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        trained = [model for model in self._context.step.models if any(id(p) in held for p in model.parameters)]
        if len(trained) > 1 and number not in self._sizes:
            self._context.step.models[:] = self._united(trained)
        for model in trained:
            model.trained = True
        fact = inventory.add_optimizer(optimizer)
        self._strange = bool(fact["unknown_parameters"]) and fact["id"] not in self._sizes
        self._sizes[fact["id"]] = size
        if fact["unknown_parameters"] and self._context.step_number >= _SETTLED:
            self._tell_unused(optimizer, fact["id"])

    def _tell_unused(self, optimizer: torch.optim.Optimizer, number: int) -> None:
        """Tell of trainable parameters that belong to no model that was called and have no gradient either."""
        known = self._context.objects.of_parameter
        held = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        unused = [p for p in held if id(p) not in known and gradient_of(p) is None]
        share = sum(p.numel() for p in unused) / max(sum(p.numel() for p in held), 1)
        self._context.event(
            "unused-parameters", str(number), {"tensors": len(unused), "held": len(held), "share": share}
        )

    def _united(self, models: list[Model]) -> list[Model]:
        """Merge models that one optimizer trains together, as encoder and decoder called one after the other."""
        first, *others = models
        self._context.objects.merge(first, others)
        return [model for model in self._context.step.models if model not in others]

    def on_close(self, step: Step) -> None:
        """Count what a dropped optimizer trained as trained earlier once another one steps; forget dropped models."""
        if step.stepped and step.stepped != self._last:
            self._last = step.stepped
            self._context.objects.mark_trained(step.stepped)
        for number in self._context.objects.forget_gone(step.models, step.stepped):
            self._context.publish("model_gone", number)

    def on_scheduler_step(self, args: tuple[object, ...], _: object, __: object) -> None:
        """Give the scheduler a number."""
        if isinstance(args[0], LRScheduler):
            self._context.objects.add_scheduler(args[0])

    def on_load_state_dict(self, args: tuple[object, ...], _: object, __: object) -> None:
        """Note that a model started from saved weights."""
        if isinstance(args[0], nn.Module):
            self._context.objects.loading(args[0])

    def on_weights_loaded(self, module: nn.Module, fresh: frozenset[str]) -> None:
        """Note the same of a framework's model, whose new parts got no weights."""
        self._context.objects.loading(module, fresh)

    def on_manual_seed(self, args: tuple[object, ...], kwargs: dict[str, object], _: object) -> None:
        """Note the seed."""
        seed = args[0] if args else kwargs.get("seed")
        self._context.note_seed(int(seed) if isinstance(seed, int | float) else None)
