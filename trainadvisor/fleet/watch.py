"""A fleet that is looked at again and again: what has not changed since the last look is not read again."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import UsageError
from trainadvisor.fleet import places
from trainadvisor.fleet.fleet_result import collected
from trainadvisor.fleet.fleet_survey import Survey

if TYPE_CHECKING:
    from trainadvisor.configuration import Config
    from trainadvisor.fleet.cache import Cache
    from trainadvisor.fleet.entry import Entry
    from trainadvisor.fleet.fleet_result import Fleet
    from trainadvisor.fleet.places import Place
    from trainadvisor.trials.engines.calls import Tasks

# Seconds without a record after which a log without an end is that of a killed run; `follow` waits as long.
PATIENCE = 600.0


class Watch:
    """Looks at the logs below some paths, of running trainings as well."""

    def __init__(
        self, paths: list[str], tasks: Tasks, cache: Cache, config: Config | None = None, *, sent: bool = False,
        patience: float = PATIENCE, days: float = 7.0,
    ) -> None:  # fmt: skip
        self._paths, self._tasks, self._cache, self._config = paths, tasks, cache, config
        self._sent, self._patience, self._days = sent, patience, days
        self._entries: dict[str, list[Entry]] = {}
        self._stamps: dict[str, tuple[int, int] | None] = {}
        self.judged = 0

    def look(self) -> Fleet:
        """Return the fleet as it is now; UsageError where a path never led anywhere."""
        found = self._found()
        changed = [place for place in found if self._has_changed(place)]
        survey = Survey(self._tasks, self._cache, self._config, sent=self._sent, fresh=self.is_fresh)
        named = {place.address for place in changed}
        fresh: dict[str, list[Entry]] = defaultdict(list)
        for entry in survey.run(changed):
            # trials of a study are told by the file's address and their number
            fresh[entry.address if entry.address in named else entry.address.rpartition("#")[0]].append(entry)
        self._entries |= {address: fresh[address] for address in named}
        self.judged = len(changed)
        return collected([e for place in found for e in self._entries.get(place.address, [])], survey.known, self._days)

    def _found(self) -> list[Place]:
        try:
            return list(places.found(self._paths))
        except UsageError:
            if not self._stamps:
                raise
            return []  # what was there has been removed

    def _has_changed(self, place: Place) -> bool:
        now, before = stamp(place), self._stamps.get(place.address)
        self._stamps[place.address] = now
        ended = any(entry.running for entry in self._entries.get(place.address, [])) and not self.is_fresh(place)
        return now is None or now != before or ended

    def is_fresh(self, place: Place) -> bool:
        """Return whether a log was written to lately."""
        written = stamp(place)
        return written is not None and time.time() - written[1] / 1e9 < self._patience


def stamp(place: Place) -> tuple[int, int] | None:
    """Return size and time of the last change of a log of this machine, None of another's or of one that is gone."""
    if place.system is not None:
        return None
    path = Path(place.address)
    try:
        facts = [inside.stat() for inside in path.iterdir()] if path.is_dir() else [path.stat()]
    except OSError:
        return None
    return sum(fact.st_size for fact in facts), max((fact.st_mtime_ns for fact in facts), default=0)
