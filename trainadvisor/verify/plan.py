"""What is tried: candidates made of changes, with the findings that they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.judge.result import Remedy
    from trainadvisor.trials.jobs import Change


@dataclass(frozen=True)
class Candidate:
    """One or more changes tried together, with the finding and the remedies they come from."""

    changes: tuple[Change, ...]
    code: str | None = None
    remedies: tuple[Remedy | None, ...] = ()
    origin: str = "remedy"
    """remedy, rival (the experiment that separates two findings), fallback or combined."""
    measures: tuple[str, ...] = ()
    """What it has to better, where its finding is about time or memory."""

    def label(self) -> str:
        """Return the changes in one line."""
        return " + ".join(change.label() for change in self.changes)

    @property
    def words(self) -> frozenset[str]:
        """Return the words of its changes."""
        return frozenset(change.change for change in self.changes)

    @property
    def rescales_loss(self) -> bool:
        """Return whether the training loss stands for something else with it."""
        return any(change.about.rescales_loss for change in self.changes)

    @property
    def acts_after_first_step(self) -> bool:
        """Return whether the loss of the first step stays as it was, given the same seed."""
        return all(change.about.acts_after_first_step for change in self.changes)

    @property
    def may_end_early(self) -> bool:
        """Return whether a run with it may take fewer steps."""
        return any(change.about.may_end_early for change in self.changes)

    @property
    def alone(self) -> bool:
        """Return whether it is never joined with others."""
        return any(change.about.alone for change in self.changes)

    @property
    def per_run(self) -> bool:
        """Return whether another seed asks for other arguments."""
        return any(change.about.per_run for change in self.changes)

    @property
    def both_ways(self) -> bool:
        """Return whether it does nothing but set a quantity of which a run has just one."""
        return all(change.about.both_ways for change in self.changes)

    def joined(self, other: Candidate) -> Candidate:
        """Return both together."""
        return replace(
            self,
            changes=self.changes + other.changes,
            remedies=self.remedies + other.remedies,
            origin="combined",
        )
