"""What candidates set in a run, by whichever changes: one effect is tried once, and what is so already not at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainadvisor.trials.jobs import Change
    from trainadvisor.verify.plan import Candidate

# Two learning rates within this factor count as the same trial.
CLOSE = 1.6


@dataclass(frozen=True)
class Effect:
    """The facts of a run that are other ones with the changes, and the changes that no fact tells of."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Return whether the run would be as it is."""
        return not self.settings and not self.others


def effect(candidate: Candidate, run: Mapping[str, Any]) -> Effect:
    """Return what the changes of a candidate do to a run, one after the other."""
    now, others = dict(run), []
    for change in candidate.changes:
        settings = change.about.sets(_arguments(change), now)
        now |= settings
        others += [] if settings else [f"{change.change} {sorted(_arguments(change).items())}"]
    new = {name: value for name, value in now.items() if name not in run or not _alike(name, value, run[name])}
    return Effect(new, tuple(sorted(others)))


def same(one: Candidate, other: Candidate, run: Mapping[str, Any]) -> bool:
    """Return whether two candidates do the same to a run, in whichever order and by whichever names."""
    first, second = effect(one, run), effect(other, run)
    if first.others != second.others or first.settings.keys() != second.settings.keys():
        return False
    return all(_alike(name, value, second.settings[name]) for name, value in first.settings.items())


def _arguments(change: Change) -> dict[str, Any]:
    """Return the arguments of a change with the defaults of those that are not given."""
    defaults = {name: argument.default for name, argument in change.about.arguments.items()}
    given = {name: value for name, value in change.arguments.items() if value is not None}
    return {name: value for name, value in (defaults | given).items() if value is not None}


def _alike(name: str, one: Any, other: Any) -> bool:
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other)):
        return bool(one == other)
    if name == "lr" and one > 0 and other > 0:
        return bool(max(one, other) / min(one, other) < CLOSE)
    return math.isclose(one, other, rel_tol=1e-6)
