"""Very large files: of records that look alike only every so many is read, and all of those that are rare."""

from collections import Counter
from pathlib import Path

# Bytes that are read in full.
UNTHINNED = 16 << 20
RARE = 20
MOST_RARE = 20_000
MOST_SHAPES = 1_000

Shape = tuple[int, ...]


def stride(path: Path) -> int:
    """Return of how many records that look alike one is read."""
    return max(1, path.stat().st_size // UNTHINNED)


def told(path: Path) -> list[str]:
    """Return the note on what was not read."""
    every = stride(path) if path.is_file() else 1
    return [f"the file is so large that one of {every} lines or events alike was read"] if every > 1 else []


class Thinner:
    """Decides which records are read: an evaluation between many steps is rare and always is."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._counts: Counter[Shape] = Counter()
        self._total = 0

    def keeps(self, *shape: int) -> bool:
        """Return whether a record of such a shape is read."""
        if self._every == 1:
            return True
        if shape not in self._counts and len(self._counts) >= MOST_SHAPES:
            shape = ()
        self._counts[shape] += 1
        self._total += 1
        count = self._counts[shape]
        return (count - 1) % self._every == 0 or (count * RARE < self._total and count < MOST_RARE)
