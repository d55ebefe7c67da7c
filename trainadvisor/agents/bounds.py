"""What a tool takes from an agent: paths below one folder, words and numbers of a bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LONGEST, MOST_ARGUMENTS = 2000, 100
# Seconds that a tool may take.
LONGEST_TIME = 3600


class Root:
    """The folder that every path has to lie in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def path(self, name: str) -> str:
        """Return a path relative to the folder; UsageError where it leads out of it, or is none."""
        if not name or "\0" in name or name.startswith("-") or len(name) > LONGEST:
            message = f"{name[:80]!r}: is no path; give one inside of {self.folder}"
            raise UsageError(message)
        place = (self.folder / name).resolve()
        if not place.is_relative_to(self.folder):
            message = f"{name}: leads out of {self.folder}; only what lies in it may be read"
            raise UsageError(message)
        return str(place.relative_to(self.folder))

    def existing(self, name: str) -> str:
        """Return a path of something that is there, or the name of a run."""
        path = self.path(name)
        if not (self.folder / path).exists() and not (self.folder / "trainadvisor-runs" / path).exists():
            message = f"{name}: is not in {self.folder}"
            raise UsageError(message)
        return path

    def script(self, name: str) -> str:
        """Return the path of a Python script."""
        path = self.path(name)
        if not path.endswith(".py") or not (self.folder / path).is_file():
            message = f"{name}: is not a Python script in {self.folder}"
            raise UsageError(message)
        return path


def words(given: Sequence[str]) -> list[str]:
    """Return the arguments of a script; UsageError where they are too many or too long."""
    if len(given) > MOST_ARGUMENTS or any(len(word) > LONGEST or "\0" in word for word in given):
        message = f"no more than {MOST_ARGUMENTS} arguments of {LONGEST} characters are taken"
        raise UsageError(message)
    return [str(word) for word in given]


def word(given: str, what: str) -> str:
    """Return a word that is no option."""
    if not given.strip() or given.startswith("-") or "\0" in given or len(given) > LONGEST:
        message = f"{what}: {given[:80]!r} is none"
        raise UsageError(message)
    return given


def seconds(given: float) -> float:
    """Return a time within its limits."""
    if not 1 <= given <= LONGEST_TIME:
        message = f"seconds: {given:g} is not between 1 and {LONGEST_TIME}"
        raise UsageError(message)
    return given
