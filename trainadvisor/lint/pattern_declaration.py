"""What a pattern is: a function that finds a fault in a script, called like its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training


@dataclass(frozen=True, eq=False)
class Match:
    """A place where a fault stands: the node, what the texts say of it, a second place, and what mends it."""

    node: ast.AST
    values: Mapping[str, str] = field(default_factory=dict)
    # A second place that makes the fault, such as the loss behind a softmax.
    other: ast.AST | None = None
    fix: Fix | None = None
    # The name of the pattern that found it.
    pattern: str = ""

    @property
    def line(self) -> int:
        """Return the line at which it begins, from 1."""
        return int(getattr(self.node, "lineno", 0))


Finder = Callable[["Training"], Iterator[Match]]


@dataclass(frozen=True)
class Pattern:
    """A finder with the code of its rule, the names its texts may use, and words without which it finds nothing."""

    code: str
    # The module that it stands in: one of several ways in which the fault is written.
    name: str
    names: frozenset[str]
    words: tuple[tuple[str, ...], ...]
    find: Finder

    def may_hold(self, text: str) -> bool:
        """Return whether a text has a word of each group."""
        return all(any(word in text for word in group) for group in self.words)


declared: list[Pattern] = []


def pattern(*names: str, words: tuple[tuple[str, ...], ...] = ()) -> Callable[[Finder], Finder]:
    """Declare a finder, whose function is called like its rule, with the names that the texts of the rule may use."""

    def declare(find: Finder) -> Finder:
        code, name = find.__name__.replace("_", "-"), find.__module__.rpartition(".")[-1].replace("_", "-")
        declared.append(Pattern(code, name, frozenset(names), words, find))
        return find

    return declare
