"""Judges the logs of a fleet: what is known from before, and the rest side by side."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.fleet import entry as made
from trainadvisor.fleet import places, studies, trial_folders
from trainadvisor.trials.engines.calls import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trainadvisor.configuration import Config
    from trainadvisor.fleet.cache import Cache
    from trainadvisor.fleet.entry import Entry
    from trainadvisor.fleet.places import Place
    from trainadvisor.trials.engines.calls import Tasks

# Largest log that is sent to another machine.
LARGEST_SENT = 1 << 30


@dataclass(frozen=True)
class _Pending:
    """A log that is being judged: its address, digest, and the file to remove afterwards."""

    place: Place
    digest: str
    copy: Path | None = None
    settings: dict[str, object] = field(default_factory=dict)


def judge_file(path: str, address: str, config: Config | None, fresh: bool) -> dict[str, object]:  # noqa: FBT001 - sent
    """Judge a log of this machine, in a process of its own."""
    return made.judged(Path(path), address, config, fresh=fresh).plain()


def judge_bytes(name: str, content: bytes, address: str, config: Config | None, fresh: bool) -> dict[str, object]:  # noqa: FBT001 - (the same)
    """Judge a log that was sent to another machine."""
    with tempfile.TemporaryDirectory(prefix="trainadvisor-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return made.judged(path, address, config, fresh=fresh).plain()


class Survey:
    """One look at a fleet."""

    def __init__(
        self, tasks: Tasks, cache: Cache, config: Config | None = None, *, sent: bool = False,
        fresh: Callable[[Place], bool] = lambda _: False,
    ) -> None:  # fmt: skip
        """Take what makes the calls, what is known, if logs are sent to other machines, and which are being written."""
        self._tasks, self._cache, self._config, self._sent, self._fresh = tasks, cache, config, sent, fresh
        self.known = 0
        self._early: list[Entry] = []

    def run(self, found: Iterable[Place], progress: Callable[[int], object] = lambda _: None) -> Iterator[Entry]:
        """Yield an entry for each log, as they arrive."""
        function = judge_bytes if self._sent else judge_file
        count = 0
        with tempfile.TemporaryDirectory(prefix="trainadvisor-", ignore_cleanup_errors=True) as folder:
            for answer in self._tasks.run(function, self._calls(found, Path(folder))):
                ready = [*self._early, self._entry(answer.key, answer.value, answer.lost)]
                self._early = []
                for item in ready:
                    count += 1
                    progress(count)
                    yield item
        yield from self._early

    def _calls(self, found: Iterable[Place], folder: Path) -> Iterator[Call]:
        """Yield a call for each log that is not known yet; the entries of the others are laid aside."""
        for place in found:
            try:
                path, copy = self._at_hand(place, folder)
                study = studies.trials(path, place.address)
                if study is None:
                    yield from self._call(place, path, copy)
                else:
                    self._early += study
                    self._remove(copy)
            except Exception as error:  # noqa: BLE001 - whatever a file system raises, the others are judged
                self._early.append(made.Entry(place.address, error=f"{type(error).__name__}: {error}"[:500]))

    def _call(self, place: Place, path: Path, copy: Path | None) -> Iterator[Call]:
        """Yield the call that judges a log, none where it was judged before."""
        pending = _Pending(place, made.digest_of(path), copy, trial_folders.parameters(places.beside(place)))
        fresh = self._fresh(place)
        known = None if fresh else self._cache.get(pending.digest, place.address)
        if known is None:
            yield Call(pending, (*self._arguments(path, place.address), fresh))
            return
        self.known += 1
        self._early.append(trial_folders.adopted(known, place.group, pending.settings))
        self._remove(copy)

    @staticmethod
    def _remove(copy: Path | None) -> None:
        if copy is not None:
            copy.unlink(missing_ok=True)

    def _at_hand(self, place: Place, folder: Path) -> tuple[Path, Path | None]:
        if place.system is None:
            return Path(place.address), None
        inside = Path(tempfile.mkdtemp(dir=folder))
        copy = places.fetched(place, inside)
        return copy, copy

    def _arguments(self, path: Path, address: str) -> tuple[object, ...]:
        if not self._sent:
            return os.fspath(path), address, self._config
        if path.is_dir() or path.stat().st_size > LARGEST_SENT:
            message = "is a folder or too large to be sent to another machine; judge it with --engine local"
            raise ValueError(message)
        return path.name, path.read_bytes(), address, self._config

    def _entry(self, pending: _Pending, value: dict[str, object] | None, lost: str) -> Entry:
        place = pending.place
        self._remove(pending.copy)
        if value is None:
            return made.Entry(place.address, pending.digest, error=lost)
        entry = replace(made.Entry(**value), digest=pending.digest)  # type: ignore[arg-type]
        if not entry.running:
            self._cache.put(entry)
        return trial_folders.adopted(entry, place.group, pending.settings)
