"""Probe: a state dict kept without a copy, used when training has changed its tensors."""

import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument import call_sites, module_tables, private_torch
from trainadvisor.record.context import Context, probe
from trainadvisor.record.objects.describe import tensors_in

# State dicts that are remembered, and tensors of one by which it is known.
_MOST, _KNOWN = 64, 3
# Events of one way of use.
_TOLD = 5


@dataclass
class _Taken:
    """When and where a state dict was taken; its tensors are not kept alive."""

    tensors: list["weakref.ref[torch.Tensor]"]
    versions: list[int]
    step: int
    place: call_sites.Place | None

    def changed(self, found: Iterable[torch.Tensor]) -> bool:
        """Return whether one of its tensors is among those found and was written to since."""
        alive = [reference() for reference in self.tensors]
        held = any(tensor is one for tensor in found for one in alive if one is not None)
        return held and any(
            private_torch.version(tensor) != version
            for tensor, version in zip(alive, self.versions, strict=True)
            if tensor is not None
        )


@probe(order=31)
class KeptWeightsProbe:
    """Writes events "kept-weights" for a state dict that is loaded or saved when its tensors have changed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # By the id of the first tensor.
        self._taken: dict[int, _Taken] = {}
        self._told = {"load": 0, "save": 0}

    def on_state_dict(self, args: tuple[Any, ...], _: object, result: object) -> None:
        """Remember when the state of a known model was taken."""
        if not isinstance(result, Mapping) or self._context.objects.model_of(args[0]) is None:
            return
        plain = [value for value in result.values() if type(value) is torch.Tensor and value.is_floating_point()]
        if not plain:
            return
        chosen = [plain[0], plain[len(plain) // 2], plain[-1]][:_KNOWN]
        if len(self._taken) >= _MOST:
            self._taken = {key: taken for key, taken in self._taken.items() if taken.tensors[0]() is not None}
        if len(self._taken) < _MOST:
            self._taken[id(plain[0])] = _Taken(
                [weakref.ref(tensor) for tensor in chosen],
                [private_torch.version(tensor) for tensor in chosen],
                self._context.steps_done(),
                call_sites.user_place(),
            )

    def on_swap_begins(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Forget the state dicts of tensors that change places: a weak reference would keep them from it."""
        met = {id(tensor) for tensor in (*args, *kwargs.values())}
        gone = [key for key, taken in self._taken.items() if any(id(ref()) in met for ref in taken.tensors)]
        for key in gone:
            del self._taken[key]

    def on_load_state_dict(self, args: tuple[Any, ...], kwargs: dict[str, Any], _: object) -> None:
        """Look whether a model is given back what it has become since."""
        given = args[1] if len(args) > 1 else kwargs.get("state_dict")
        if isinstance(given, Mapping) and (taken := self._stale(given)) and self._is_own(args[0], given):
            self._tell("load", taken)

    def on_save_begins(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Look whether a state dict kept in the course of the training is saved after further steps."""
        thing = args[0] if args else kwargs.get("obj")
        taken = self._stale(thing)
        if taken is not None and taken.step > 0:  # a dictionary made once, before the training, is meant to be live
            self._tell("save", taken)

    def _stale(self, thing: object) -> _Taken | None:
        if not self._taken:
            return None
        found = list(islice(tensors_in(thing), 50))
        known = (self._taken.get(id(tensor)) for tensor in found)
        taken = next((one for one in known if one is not None), None)
        now = self._context.steps_done()
        return taken if taken is not None and taken.step < now and taken.changed(found) else None

    def _is_own(self, module: nn.Module, given: Mapping[str, Any]) -> bool:
        """Return whether each tensor that was given is the module's own: such a load does nothing."""
        held = {parameter.data_ptr() for parameter in module_tables.parameters(module) if parameter.numel()}
        floats = [value for value in given.values() if isinstance(value, torch.Tensor) and value.is_floating_point()]
        held |= {buffer.data_ptr() for _, buffer in module_tables.named_buffers(module) if buffer.numel()}
        return all(value.data_ptr() in held for value in floats if value.numel())

    def _tell(self, use: str, taken: _Taken) -> None:
        self._told[use] += 1
        if self._told[use] > _TOLD:
            return
        detail = {"use": use, "taken": taken.step, "used": self._context.steps_done()}
        self._context.event("kept-weights", use, {**detail, "site": call_sites.describe(taken.place)})
