"""Progress reports of a running session, printed by commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.verify.plan import Candidate
    from trainadvisor.verify.trial_runs import Run, Tried


class Progress:
    """Reports nothing; the default when nobody is watching."""

    def started(self, target: str, budget: float) -> None:
        """Report the start of the session."""

    def baseline(self, run: Run) -> None:
        """Report the run of the unmodified script."""

    def by_hand(self, code: str, text: str) -> None:
        """Report that only the person can make the change that the first finding asks for."""

    def trying(self, number: int, count: int, candidate: Candidate) -> None:
        """Report the start of a candidate."""

    def judged(self, tried: Tried) -> None:
        """Report the result of its first run."""

    def repeating(self, number: int, count: int, candidate: Candidate) -> None:
        """Report that it is repeated with another seed."""

    def repeated(self, tried: Tried) -> None:
        """Report the state after one more pair of runs."""

    def ended(self) -> None:
        """Report that nothing runs any more."""
