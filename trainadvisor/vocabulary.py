"""The words of a verdict: how bad, how sure, in which state, on what kind of evidence. Nobody else lists them.

Each is a string, so that JSON, options and settings hold the plain word, and is ordered from the least to the most.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class _Ordered(StrEnum):
    """Words in ascending order; they compare by their place, also with the plain word of another."""

    @property
    def rank(self) -> int:
        """Return the place of the word, 0 for the least."""
        return list(type(self)).index(self)

    def shifted(self, by: int) -> Self:
        """Return the word so many places higher, the last one where there are no more."""
        words = list(type(self))
        return words[min(max(self.rank + by, 0), len(words) - 1)]

    def __lt__(self, other: str) -> bool:
        return self.rank < type(self)(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= type(self)(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > type(self)(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= type(self)(other).rank


class Severity(_Ordered):
    """How bad a finding is; a note is a hint, never a fault."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


class Confidence(_Ordered):
    """How sure a finding is."""

    POSSIBLE = "possible"
    LIKELY = "likely"
    CERTAIN = "certain"


class State(_Ordered):
    """What became of a run."""

    HEALTHY = "healthy"
    CANNOT_TELL = "cannot-tell"
    NEEDS_ATTENTION = "needs-attention"
    BROKEN = "broken"


class Evidence(_Ordered):
    """What a rule judges by, the most compelling last."""

    STATIC = "static"
    STATISTICAL = "statistical"
    EXACT = "exact"
    DIRECT = "direct"


NEVER, OFF = "never", "off"
# From which severity on a gate fails.
FAIL_ON = (*map(str, Severity), NEVER)
# What a project may set the severity of a rule to.
RULE_LEVELS = (OFF, *map(str, Severity))
_NICKNAMES = {"low": Confidence.POSSIBLE, "medium": Confidence.LIKELY, "high": Confidence.CERTAIN}
# How people may call a confidence.
SURENESS = {str(word): word for word in Confidence} | _NICKNAMES
# The same names, the usual ones first.
SURE_ENOUGH = (*_NICKNAMES, *map(str, Confidence))


def reaches(severity: str, limit: str) -> bool:
    """Return whether a severity is as bad as a limit of `FAIL_ON`."""
    return limit != NEVER and Severity(severity) >= limit
