"""The lines of the user's code that call the layers of a model and the functions between them, each noted once."""

from typing import Any

from trainadvisor.instrument import call_sites

# Names whose lines are kept.
_MOST = 200


class CalledPlaces:
    """Keeps the line from which each layer and function of a model is called first."""

    def __init__(self) -> None:
        self._places: dict[str, call_sites.Place | None] = {}

    def note(self, name: str) -> None:
        """Note the line of the user's code that is running, under a name that has none."""
        if name not in self._places and len(self._places) < _MOST:
            self._places[name] = call_sites.user_place(2)

    def told(self) -> list[dict[str, Any]]:
        """Return the lines with the names that are called there, in the order of their first calls."""
        names: dict[call_sites.Place, list[str]] = {}
        for name, place in self._places.items():
            if place is not None:
                names.setdefault(place, []).append(name)
        return [{"site": call_sites.describe(place), "names": called} for place, called in names.items()]
