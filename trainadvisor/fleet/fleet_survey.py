"""Judges the logs of a fleet: what is known from before, and the rest side by side."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.fleet import entry as made
from trainadvisor.fleet import places
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

    address: str
    digest: str
    copy: Path | None = None


def judge_file(path: str, address: str, config: Config | None) -> dict[str, object]:
    """Judge a log of this machine, in a process of its own."""
    return made.judged(Path(path), address, config).plain()


def judge_bytes(name: str, content: bytes, address: str, config: Config | None) -> dict[str, object]:
    """Judge a log that was sent to another machine."""
    with tempfile.TemporaryDirectory(prefix="trainadvisor-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return made.judged(path, address, config).plain()


class Survey:
    """One look at a fleet."""

    def __init__(self, tasks: Tasks, cache: Cache, config: Config | None = None, *, sent: bool = False) -> None:
        """Take what makes the calls, what is known, and whether logs have to be sent to other machines."""
        self._tasks, self._cache, self._config, self._sent = tasks, cache, config, sent
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
                digest = made.digest_of(path)
                known = self._cache.get(digest, place.address)
                if known is None:
                    yield Call(_Pending(place.address, digest, copy), self._arguments(path, place.address))
                    continue
            except Exception as error:  # noqa: BLE001 - whatever a file system raises, the others are judged
                self._early.append(made.Entry(place.address, error=f"{type(error).__name__}: {error}"[:500]))
                continue
            self.known += 1
            self._early.append(known)
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
        if pending.copy is not None:
            pending.copy.unlink(missing_ok=True)
        if value is None:
            return made.Entry(pending.address, pending.digest, error=lost)
        entry = replace(made.Entry(**value), digest=pending.digest)  # type: ignore[arg-type]
        self._cache.put(entry)
        return entry
