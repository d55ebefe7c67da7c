"""What a session tells while it runs; commands print it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.verify.plan import Candidate
    from trainadvisor.verify.trial_runs import Run, Tried


class Progress:
    """Says nothing; what a session tells where nobody looks."""

    def started(self, target: str, budget: float) -> None:
        """Tell that the session begins."""

    def baseline(self, run: Run) -> None:
        """Tell how the unmodified script went."""

    def trying(self, number: int, count: int, candidate: Candidate) -> None:
        """Tell that a candidate is started."""

    def judged(self, tried: Tried) -> None:
        """Tell what its first run said."""

    def repeating(self, number: int, count: int, candidate: Candidate) -> None:
        """Tell that it is repeated with another seed."""

    def repeated(self, tried: Tried) -> None:
        """Tell how it stands after one more pair of runs."""
