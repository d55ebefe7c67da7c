"""What became of a rule, and the names that its conditions and texts may use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from trainadvisor.judge.conditions import Expression
from trainadvisor.judge.result import Site
from trainadvisor.judge.rulebook import Rule

FOUND, CLEAR, UNKNOWN, OFF = "found", "clear", "unknown", "off"


class SignalSource(Protocol):
    """Whatever gives signal values: the signals of a log, or the numbers of a case."""

    def get(self, name: str, /) -> Any:
        """Return a value, None when it is absent."""


class Scope:
    """Looks names up: thresholds, then the rule's computed values, then signals, those of one layer if it is given."""

    def __init__(self, rule: Rule, signals: SignalSource, layer: str | None = None) -> None:
        self.rule = rule
        self.signals = signals
        self.layer = layer
        self._open: set[str] = set()
        self._computed: dict[str, Any] = {}

    def __call__(self, name: str) -> Any:
        """Return the value of a name, None when it is unknown."""
        if name in self.rule.thresholds:
            return self.rule.thresholds[name]
        if name in self.rule.values:
            return self._value(name)
        value = self.signals.get(name)
        return value.get(self.layer) if self.layer is not None and isinstance(value, Mapping) else value

    def _value(self, name: str) -> Any:
        if name not in self._computed and name not in self._open:
            self._open.add(name)  # a value that needs itself stays unknown
            self._computed[name] = self.rule.computed[name].evaluate(self)
            self._open.discard(name)
        return self._computed.get(name)

    def at(self, layer: str | None) -> "Scope":
        """Return the scope of one layer."""
        return Scope(self.rule, self.signals, layer)


class WrittenScope(Scope):
    """Looks names up in what was read of the source."""

    def __init__(self, rule: Rule, signals: SignalSource, parts: Mapping[str, str]) -> None:
        super().__init__(rule, signals)
        self._parts = parts

    def __call__(self, name: str) -> Any:
        """Return the part of the code that has the name, else what it is in a run."""
        return self._parts.get(name) or super().__call__(name)


@dataclass(frozen=True)
class Verdict:
    """What became of one rule."""

    rule: Rule
    state: str
    severity: str = "note"
    scope: Scope | None = None
    evidence: tuple[tuple[Expression, dict[str, Any]], ...] = ()
    missing: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()
    layers: int = 0
    subjects: tuple[str, ...] = ()
    onset: int | None = None
    # The lines of the source that show it.
    sites: tuple[Site, ...] = ()
    # The pattern that found it there.
    pattern: str = ""
    # Whether it is clear only because too little was recorded: it could not have been found.
    short: bool = False
    softened: bool = False
    unsure: bool = False
    reason: str = ""
    failure: str = ""

    @property
    def fine(self) -> bool:
        """Return whether the rule was checked and is not the case: it could have been found."""
        return self.state == CLEAR and not self.short

    @property
    def decided(self) -> bool:
        """Return whether the rule was checked, whatever came of it."""
        return self.state == FOUND or self.fine

    @property
    def code(self) -> str:
        """Return the code of the rule."""
        return self.rule.code

    def lookup(self, name: str) -> Any:
        """Return what a placeholder in the rule's texts stands for."""
        built_in: dict[str, Callable[[], Any]] = {
            "subjects": lambda: _some(self.subjects),
            "layer": lambda: self.matched[0] if self.matched else None,
            "layers": lambda: _some(self.matched),
            "layers_matched": lambda: len(self.matched) or None,
            "layers_total": lambda: self.layers or None,
            "onset": lambda: self.onset,
        }
        return built_in[name]() if name in built_in else self.scope(name) if self.scope else None


def _some(names: tuple[str, ...]) -> str | None:
    """Return the first three names as text."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else None  # noqa: PLR2004
