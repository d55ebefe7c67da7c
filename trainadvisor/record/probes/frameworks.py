"""Probe: the framework that drives the training, and what it has of its own instead of torch's."""

import math
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

from trainadvisor.instrument import foreign_optimizers, framework_settings
from trainadvisor.log.framework_names import DISTRIBUTIONS, SETTING_CALLS, setting_key
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting

if TYPE_CHECKING:
    from types import FrameType

_LOOKS = 3


@probe(order=5)
class FrameworkProbe:
    """Writes events "framework"; tells the steps of optimizers that are not torch's."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._undo: list[Any] = []
        self._tapped = self.modules_seen = 0
        self._looks = 0
        self._told: str | None = None

    def rests_until(self, routine: Routine) -> float:
        """Look at no callers after the first steps."""
        return math.inf if self._looks >= _LOOKS else routine.step

    @unless_resting
    def on_forward_begins(self, call: Any) -> None:
        """Look who calls the model, in the first steps."""
        if call.grad and self._looks < _LOOKS:
            self._look()

    def on_backward_begins(self, *_: object) -> None:
        """Look who calls, in the first steps; patch a framework that has been imported since."""
        if self._looks < _LOOKS:
            self._looks += 1
            self._look()
        self._tap()

    def on_made(self, *_: object) -> None:
        """Patch the frameworks once they are imported: a model is made after that, and before the first epoch."""
        self._tap()

    def _tap(self) -> None:
        if len(sys.modules) == self.modules_seen:
            return
        self.modules_seen = len(sys.modules)
        imported = foreign_optimizers.imported()
        if imported != self._tapped:
            self._tapped = imported
            self._untap()
            self._undo = foreign_optimizers.tap()

    def _look(self) -> None:
        found = {name for name in _callers() if name in DISTRIBUTIONS}
        name = next((name for name in DISTRIBUTIONS if name in found), None)
        rank = list(DISTRIBUTIONS)
        if name is None or (self._told is not None and rank.index(name) >= rank.index(self._told)):
            return
        self._told = name
        lines = framework_settings.lines_of(SETTING_CALLS[name])
        settings = {setting_key(argument, call): site for call, argument, site in lines if site is not None}
        self._context.event("framework", name, {"version": _version(DISTRIBUTIONS[name]), "settings": settings})

    def on_stop(self, _: str) -> None:
        """Leave the frameworks as they were."""
        self._untap()

    def _untap(self) -> None:
        while self._undo:
            self._undo.pop()()


def _callers() -> set[str]:
    frame: FrameType | None = sys._getframe(1)
    names = set()
    while frame is not None:
        names.add(str(frame.f_globals.get("__name__", "")).partition(".")[0])
        frame = frame.f_back
    return names


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
