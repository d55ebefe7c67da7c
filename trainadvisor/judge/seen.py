"""What a doubt is derived from."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from trainadvisor.judge.rule_verdict import SignalSource, Verdict
from trainadvisor.log.reader import RunLog


@dataclass(frozen=True)
class Seen:
    """A log, its signals and figures, and what the rules found in it."""

    log: RunLog
    signals: SignalSource
    verdicts: Collection[Verdict]
    contexts: Collection[str]
    run: dict[str, Any]
    # Checks that another training of the same lines has passed.
    decided: frozenset[str] = frozenset()

    def figure(self, name: str) -> float | None:
        """Return a signal that is a number."""
        value = self.signals.get(name)
        return float(value) if isinstance(value, (int, float)) else None
