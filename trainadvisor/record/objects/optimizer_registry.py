"""Knows the optimizers and schedulers of a training by identity, and which parameters they hold."""

import weakref
from collections.abc import Iterable

import torch
from torch.optim.lr_scheduler import LRScheduler

from trainadvisor.instrument.user_attributes import attribute
from trainadvisor.record.objects import describe
from trainadvisor.record.objects.describe import Fact
from trainadvisor.record.objects.held_tensor import HeldTensors
from trainadvisor.record.objects.ids import Announce, ObjectIds

# What a schedule changes at every step: the steps' own records hold the rate.
_MOVING = frozenset({"lr", "momentum", "betas"})


class OptimizerRegistry(ObjectIds):
    """Numbers optimizers and schedulers."""

    def __init__(self, announce: Announce) -> None:
        """Take the function that is told about new objects."""
        super().__init__(announce)
        # Facts of the living optimizers by their ids.
        self.optimizers: dict[int, Fact] = {}
        self._optimizer_facts: dict[int, Fact] = {}
        # Parameter number by the tensor's id.
        self.of_parameter: dict[int, int] = {}
        self.held = HeldTensors(lambda key: self.of_parameter.pop(key, None), self._departures)
        self._told_schedulers: set[int] = set()
        self._earlier: set[int] = set()
        # Whether the user has dropped a module or an optimizer since this was last looked at.
        self._dropped = False
        self._optimizer_references: list[weakref.ref[torch.optim.Optimizer]] = []

    def add_optimizer(self, optimizer: torch.optim.Optimizer, site: Fact | None = None) -> Fact:
        """Return the optimizer's fact, brought up to date; told when more than the schedule's values has changed.

        A wrapper around an optimizer, as Accelerate's, is no second one.
        """
        optimizer = describe.innermost(optimizer)
        known = self.optimizers.get(id(optimizer))
        groups, unknown = describe.optimizer_groups(optimizer, self.of_parameter)
        if known is None:
            known = {"id": self._counts["optimizer"], "class": type(optimizer).__name__}
            known["site"] = site or self.site_of(optimizer)
            self._counts["optimizer"] += 1
            self.optimizers[id(optimizer)] = self._optimizer_facts[known["id"]] = known
            self.note_optimizer(optimizer)
            weakref.finalize(optimizer, self._forget_optimizer, id(optimizer)).atexit = False
        elif _lasting(groups) == _lasting(known["groups"]) and unknown == known["unknown_parameters"]:
            return known
        known |= {"groups": groups, "unknown_parameters": unknown}
        self._announce("optimizer", known)
        return known

    def _forget_optimizer(self, key: int) -> None:
        self._dropped = True
        self.optimizers.pop(key, None)
        self.held.release_orphans()

    def note_optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        """Remember an optimizer; it is described when it steps, or when it is clear that it never will."""
        optimizer = describe.innermost(optimizer)
        if not any(known is optimizer for known in self.alive_optimizers()):
            self._optimizer_references = [weakref.ref(known) for known in [*self.alive_optimizers(), optimizer]]

    def alive_optimizers(self) -> list[torch.optim.Optimizer]:
        """Return the optimizers that the user still holds."""
        return [optimizer for reference in self._optimizer_references if (optimizer := reference()) is not None]

    def mark_trained(self, optimizers: Iterable[int]) -> None:
        """Note that these optimizers' parameters are being updated: for models described later they are pre-trained."""
        self._earlier |= self._held_by(optimizers)

    def _held_by(self, optimizers: Iterable[int]) -> set[int]:
        facts_of = (self._optimizer_facts[number] for number in optimizers if number in self._optimizer_facts)
        return {number for fact in facts_of for group in fact["groups"] for number in group["parameters"]}

    def add_scheduler(self, scheduler: LRScheduler) -> int:
        """Return the scheduler's number; announce it when it is new."""
        number = self._number("scheduler", scheduler)
        if number not in self._told_schedulers:
            self._told_schedulers.add(number)
            optimizer = attribute(scheduler, "optimizer")
            of = self.add_optimizer(optimizer)["id"] if isinstance(optimizer, torch.optim.Optimizer) else None
            fact = {"id": number, "class": type(scheduler).__name__, "site": self.site_of(scheduler), "optimizer": of}
            self._announce("scheduler", fact | {"facts": describe.scheduler_fact(scheduler)})
        return number


def _lasting(groups: list[Fact]) -> list[Fact]:
    return [{key: value for key, value in group.items() if key not in _MOVING} for group in groups]
