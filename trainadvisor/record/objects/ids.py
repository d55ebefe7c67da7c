"""Numbers objects by identity, without keeping them alive, and knows where they were made."""

import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

from torch.utils.data import DataLoader

from trainadvisor.instrument import call_sites
from trainadvisor.record.objects import describe
from trainadvisor.record.objects.departures import Departures
from trainadvisor.record.objects.describe import Fact

# Told (kind, fact) when an object is new or its fact has changed.
Announce = Callable[[str, Fact], None]


class ObjectIds:
    """Gives each object of a kind a number, and describes loaders."""

    def __init__(self, announce: Announce) -> None:
        """Take the function that is told about new objects."""
        self._announce = announce
        self._departures = Departures()
        self._counts: Counter[str] = Counter()
        self._numbers: dict[tuple[str, int], int] = {}
        self._roles: dict[int, str] = {}
        # Where an object was made, by its id.
        self._places: dict[int, call_sites.Place | None] = {}

    def note_place(self, thing: object, place: call_sites.Place | None) -> None:
        """Remember where an object was made, as long as it lives."""
        if id(thing) not in self._places:
            self._departures.await_that_of(thing, self._forget_place)
        self._places[id(thing)] = place

    def _forget_place(self, key: int) -> None:
        self._places.pop(key, None)

    def site_of(self, thing: object) -> Fact | None:
        """Return where an object was made, as a Site."""
        return call_sites.describe(self._places.get(id(thing)))

    def _number(self, kind: str, thing: object) -> int:
        """Return a number for an object of some kind; the object is not kept alive."""
        key = (kind, id(thing))
        if key not in self._numbers:
            self._numbers[key] = self._counts[kind]
            self._counts[kind] += 1
            weakref.finalize(thing, self._numbers.pop, key, None).atexit = False
        return self._numbers[key]

    def loader_number(self, loader: DataLoader[Any]) -> int:
        """Return the loader's number."""
        return self._number("loader", loader)

    def add_loader(self, loader: DataLoader[Any], role: str) -> int:
        """Return the loader's number; announce it when it is new or its role has become known."""
        number = self.loader_number(loader)
        if number not in self._roles or (role != "unknown" and self._roles[number] == "unknown"):
            self._roles[number] = role
            fact = describe.loader_fact(loader) | {"id": number, "site": self.site_of(loader), "role": role}
            self._announce("loader", fact)
        return number
