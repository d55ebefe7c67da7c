"""All patterns, found where they are written; what a source holds of them."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import trainadvisor.lint.patterns as package
from trainadvisor.lint.pattern_declaration import Match, Pattern, declared
from trainadvisor.source.training import Training

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.reading import Source

# Words without which a source trains nothing: those of torch, and the names of frameworks that train by it.
TRAINS = re.compile(r"torch|nn\.|backward|\b(transformers|trl|lightning|keras|fastai|skorch|ignite|accelerate|timm)\b")
IGNORED = re.compile(r"#\s*trainadvisor:\s*ignore(?:\[(?P<codes>[^\]]*)\])?")


@cache
def patterns() -> dict[str, list[Pattern]]:
    """Return the patterns of each code."""
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    found: dict[str, list[Pattern]] = {}
    for entry in sorted(declared, key=lambda entry: entry.code):
        found.setdefault(entry.code, []).append(entry)
    return found


def pattern_names(code: str) -> frozenset[str]:
    """Return what the patterns of a code are called."""
    return frozenset(entry.name for entry in patterns().get(code, ()))


def names_of(code: str) -> frozenset[str]:
    """Return the names that the texts of a code may use."""
    return frozenset(name for entry in patterns().get(code, ()) for name in entry.names)


def matches(source: Source) -> list[tuple[str, Match]]:
    """Return what is found in a source, in the order of its lines, without what its comments ask to ignore."""
    if not TRAINS.search(source.text):
        return []
    held = [entry for entries in patterns().values() for entry in entries if entry.may_hold(source.text)]
    training = Training(source)
    found = [(entry.code, replace(match, pattern=entry.name)) for entry in held for match in entry.find(training)]
    kept = [(code, match) for code, match in _once(found) if not is_ignored(source, code, match)]
    return sorted(kept, key=lambda item: (item[1].line, item[0]))


def _once(found: list[tuple[str, Match]]) -> Iterator[tuple[str, Match]]:
    """Yield each code once a line."""
    seen = set()
    for code, match in found:
        if (code, match.line) not in seen:
            seen.add((code, match.line))
            yield code, match


def is_ignored(source: Source, code: str, match: Match) -> bool:
    """Return whether a comment on a line of the match says `# trainadvisor: ignore` or names the code."""
    first, last = match.line, int(getattr(match.node, "end_lineno", 0))
    for line in {first, last if last < first + 20 else first}:
        comment = IGNORED.search(source.lines[line - 1]) if 0 < line <= len(source.lines) else None
        if comment and (comment["codes"] is None or code in re.split(r"[\s,]+", comment["codes"])):
            return True
    return False
