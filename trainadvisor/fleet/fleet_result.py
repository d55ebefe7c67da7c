"""The result of a fleet: every run, and what they show together."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from trainadvisor.fleet import differences as found
from trainadvisor.fleet.entry import NO_LOG, UNREADABLE
from trainadvisor.fleet.regressions import DAYS, regressions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.fleet.differences import Difference
    from trainadvisor.fleet.entry import Entry
    from trainadvisor.fleet.regressions import Regression

SCHEMA = "trainadvisor/fleet/1"
ORDER = ("broken", "needs-attention", UNREADABLE, "cannot-tell", "healthy")


@dataclass(frozen=True)
class Loss:
    """What a cause has cost: runs, and hours of all their devices."""

    code: str
    runs: int
    hours: float


@dataclass(frozen=True)
class Sweep:
    """Runs of one script, and in what the bad ones differ."""

    script: str
    runs: int
    bad: int
    differences: list[Difference]


@dataclass(frozen=True)
class Fleet:
    """All runs, the worst and dearest first, and what they show together."""

    runs: list[Entry]
    states: dict[str, int]
    losses: list[Loss]
    sweeps: list[Sweep]
    duplicates: list[list[str]]
    # What got worse against the days before.
    regressions: list[Regression] = field(default_factory=list)
    # Files that are no logs of trainings.
    others: int = 0
    known: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, which does not depend on where the logs lay or in which order they were judged."""
        told = asdict(self)
        del told["titles"], told["known"]
        return {"schema": SCHEMA, **told}


def collected(entries: Iterable[Entry], known: int = 0, days: float = DAYS) -> Fleet:
    """Return what a fleet's runs show together."""
    every = list(entries)
    runs = sorted((e for e in every if e.state != NO_LOG), key=_place)
    states = Counter(entry.state for entry in runs)
    return Fleet(
        runs=runs,
        states={state: states[state] for state in ORDER if states[state]},
        losses=_losses(runs),
        sweeps=[_sweep(script, group) for script, group in found.sweeps(runs).items()],
        duplicates=found.duplicates(runs),
        regressions=regressions(runs, days),
        others=len(every) - len(runs),
        known=known,
    )


def _place(entry: Entry) -> tuple[int, float, str]:
    return ORDER.index(entry.state), -entry.hours, entry.address


def _losses(runs: list[Entry]) -> list[Loss]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in runs:
        if entry.cause is not None:
            groups[entry.cause].append(entry)
    losses = [Loss(code, len(group), sum(entry.hours for entry in group)) for code, group in groups.items()]
    return sorted(losses, key=lambda loss: (-loss.hours, -loss.runs, loss.code))


def _sweep(script: str, group: list[Entry]) -> Sweep:
    return Sweep(script, len(group), sum(entry.bad for entry in group), found.differences(group))
