"""Which probe takes which event: every method `on_<event>` of a probe; one that keeps raising is switched off."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from trainadvisor.instrument.guard import Guard
from trainadvisor.interruptions import from_handler

Handler = Callable[..., Any]
# The handlers of each event, by their names.
Table = dict[str, list[tuple[str, Handler]]]
Marked = TypeVar("Marked", bound=Handler)
_MARK, _RESTING = "_only_sampled", "_unless_resting"


def only_sampled(function: Marked) -> Marked:
    """Mark a handler that has nothing to do in a step of which neither gradients nor layers are sampled."""
    setattr(function, _MARK, True)
    return function


def unless_resting(function: Marked) -> Marked:
    """Mark a handler that leaves everything as it is at the events of a plain step while its probe rests."""
    setattr(function, _RESTING, True)
    return function


class Handlers:
    """Calls the handlers of an event in the order of their probes."""

    def __init__(self, guard: Guard, probes: Iterable[object]) -> None:
        """Collect the handlers."""
        self._guard = guard
        self.named: dict[str, Handler] = {}
        self._all: Table = {}
        for probe in probes:
            for attribute in (attribute for attribute in dir(probe) if attribute.startswith("on_")):
                name, function = f"{type(probe).__name__}.{attribute}", getattr(probe, attribute)
                self.named[name] = function
                self._all.setdefault(attribute[3:], []).append((name, function))
        self._light = {
            event: [(name, function) for name, function in handlers if not hasattr(function, _MARK)]
            for event, handlers in self._all.items()
        }
        self._current = self._all
        # The handlers of plain events, by the probes that rest.
        self._resting: dict[frozenset[str], Table] = {}
        self._plain = self._light

    @property
    def sampling(self) -> bool:
        """Whether the handlers of sampled steps are called too."""
        return self._current is self._all

    @sampling.setter
    def sampling(self, on: bool) -> None:
        self._current = self._all if on else self._light

    @property
    def plain(self) -> Table:
        """What is called at plain events."""
        return self._plain

    def rest(self, resting: frozenset[str]) -> None:
        """Leave out at plain events what these probes (classes by name) have marked."""
        found = self._resting.get(resting)
        if found is None:
            found = self._resting[resting] = {
                event: [
                    (name, function)
                    for name, function in handlers
                    if not (hasattr(function, _RESTING) and name.partition(".")[0] in resting)
                ]
                for event, handlers in self._light.items()
            }
        self._plain = found

    def __call__(self, event: str, *args: object) -> None:
        """Let each handler take the event; none can fail the others."""
        self.tell(event, args)

    def tell(self, event: str, args: tuple[Any, ...], *, plain: bool = False) -> None:
        """Let each handler take an event; at one of a plain step only those of probes that do not rest."""
        table = self._plain if plain and self._current is self._light else self._current
        for name, function in table.get(event, ()):
            try:
                function(*args)
            except Exception as error:
                if from_handler(error):
                    raise
                if self._guard.failed(name, error):
                    self._switch_off(event, name)

    def _switch_off(self, event: str, name: str) -> None:
        self._resting = {resting: dict(table) for resting, table in self._resting.items()}
        self._plain = dict(self._plain)
        for table in (self._all, self._light, self._plain, *self._resting.values()):
            table[event] = [handler for handler in table[event] if handler[0] != name]
