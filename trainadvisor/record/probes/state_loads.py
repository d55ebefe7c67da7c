"""Probe: what `load_state_dict` copied, where that is not everything."""

import weakref
from collections.abc import Mapping
from typing import Any

from torch import nn

from trainadvisor.instrument import call_sites
from trainadvisor.record.context import Context, probe
from trainadvisor.record.objects.loaded_keys import File, loaded, own_tensors

# Loads of which the particulars are written.
_MOST = 50


@probe(order=30)
class StateLoadProbe:
    """Writes an event "state-load" for a load that left something aside, and for later ones into the same module."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # What was told of a module, by a number of its own.
        self._told: weakref.WeakKeyDictionary[nn.Module, int] = weakref.WeakKeyDictionary()
        self._file = File(None)
        self._count = 0

    def on_file_loaded(self, _: object, __: object, result: object) -> None:
        """Remember the entries of the newest file with tensors in it."""
        self._file = File(result) or self._file

    def on_load_state_dict(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Compare what the module holds with what it was given."""
        module, given = args[0], args[1] if len(args) > 1 else kwargs.get("state_dict")
        if not isinstance(given, Mapping) or self._count >= _MOST:
            return
        assigned = bool(args[3] if len(args) > 3 else kwargs.get("assign", False))
        if module in self._told or result.missing_keys or result.unexpected_keys or self._is_own(module, given):
            self._tell(module, loaded(module, given, self._file.behind(given), assigned=assigned))

    def _is_own(self, module: nn.Module, given: Mapping[str, Any]) -> bool:
        """Return whether a load before the training gives a module one of its own tensors back."""
        if self._context.steps_done():
            return False
        name, own = next(iter(own_tensors(module).items()), ("", None))
        other = given.get(name)
        return own is not None and other is not None and own.data_ptr() == other.data_ptr()

    def _tell(self, module: nn.Module, fact: dict[str, Any]) -> None:
        self._count += 1
        number = self._told.setdefault(module, len(self._told))
        site = call_sites.describe(call_sites.user_place())
        detail = {"into": number, "class": type(module).__name__, "site": site, **fact}
        self._context.event("state-load", type(module).__name__, detail)
