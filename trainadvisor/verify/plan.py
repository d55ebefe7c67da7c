"""What is tried: candidates made of changes, with the findings that they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.judge.result import Remedy
    from trainadvisor.trials.jobs import Change


@dataclass(frozen=True)
class Candidate:
    """One or more changes tried together, with the finding and remedies that they come from."""

    changes: tuple[Change, ...]
    code: str | None = None
    remedies: tuple[Remedy | None, ...] = ()
    # remedy, rival (the experiment that separates two findings), fallback or combined.
    origin: str = "remedy"
    # What it must improve if its finding is about time or memory.
    measures: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[tuple[Change, Remedy | None], ...]:
        """Return each change with the remedy that asks for it, None where none does."""
        return tuple(zip_longest(self.changes, self.remedies[: len(self.changes)]))

    def label(self) -> str:
        """Return a one-line description of the changes."""
        return " + ".join(change.label() for change in self.changes)

    @property
    def words(self) -> frozenset[str]:
        """Return the description of its changes."""
        return frozenset(change.change for change in self.changes)

    @property
    def rescales_loss(self) -> bool:
        """Return whether it alters the meaning of the training loss."""
        return any(change.about.rescales_loss for change in self.changes)

    @property
    def acts_after_first_step(self) -> bool:
        """Return whether the loss of the first step is unchanged, given the same seed."""
        return all(change.about.acts_after_first_step for change in self.changes)

    @property
    def may_end_early(self) -> bool:
        """Return whether a run with it may end after fewer steps."""
        return any(change.about.may_end_early for change in self.changes)

    @property
    def alone(self) -> bool:
        """Return whether it is never combined with others."""
        return any(change.about.alone for change in self.changes)

    @property
    def per_run(self) -> bool:
        """Return whether its arguments depend on the seed."""
        return any(change.about.per_run for change in self.changes)

    @property
    def both_ways(self) -> bool:
        """Return whether it only sets a quantity that exists once per run."""
        return all(change.about.both_ways for change in self.changes)

    def joined(self, other: Candidate) -> Candidate:
        """Return the combination of both candidates."""
        parts = (*self.parts, *other.parts)
        return replace(
            self,
            changes=tuple(change for change, _ in parts),
            remedies=tuple(remedy for _, remedy in parts),
            origin="combined",
        )
