"""The order in which candidates are tried, which depends on earlier results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.verify.candidates import alarming, candidates, combined
from trainadvisor.verify.effects import effect, same
from trainadvisor.verify.trial_runs import ranked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.trials.jobs import Change
    from trainadvisor.verify.plan import Candidate
    from trainadvisor.verify.trial_runs import Tried

# Most changes in one combination.
AT_ONCE = 3
PARTNERS = 3
# Remedies from a run's own diagnosis that are combined with it before those of the first diagnosis.
ASKED = 2
# Candidates that are still tried after one that cures its finding but leaves other findings.
PATIENCE = 4
USELESS = frozenset({"refused", "failed", "ignored", "hopeless", "unfinished"})


class Screening:
    """Yields what to try next; the caller appends the results to `tried`."""

    def __init__(
        self,
        diagnosis: Diagnosis,
        only: str | None,
        refusal: Callable[[Change], str | None],
        *,
        first_only: bool = False,
    ) -> None:
        self.tried: list[Tried] = []
        # Changes that cannot be applied from outside, with the reason.
        self.skipped: dict[str, str] = {}
        self._run, self._refusal = diagnosis.run, refusal
        self._given: list[Candidate] = []
        listed = self._possible(candidates(diagnosis, only))
        if first_only:
            listed = listed[:1]
        self._roots = [only] if only else [finding.code for finding in alarming(diagnosis)]
        self._own = [c for c in listed if c.origin in ("remedy", "rival")]
        self._general = [c for c in listed if c.origin == "fallback"]
        self._combine = only is None

    @property
    def remaining(self) -> int:
        """Return how many single candidates have not been tried."""
        return sum(not self._known(candidate) for candidate in [*self._own, *self._general])

    def out_of_reach(self, code: str) -> bool:
        """Return whether no change that a finding asks for can be made from outside, as far as was tried."""
        tried = {id(t.candidate): t.verdict for t in self.tried}
        return all(tried.get(id(c)) == "refused" for c in self._own if c.code == code)

    @property
    def untried(self) -> list[str]:
        """Return what the findings advise and the search has not come to, where it is not over."""
        return [] if self.decided else [c.label() for c in self._own if not self._known(c)]

    @property
    def best(self) -> Tried | None:
        """Return the best of the improving candidates."""
        return next(iter(ranked(self.tried)), None)

    @property
    def decided(self) -> bool:
        """Return whether the search is over.

        One candidate is better and its run has no findings, or it cures its finding and the next ones were no better.
        """
        best = self.best
        if best is None:
            return False
        since = len(self.tried) - 1 - next(place for place, t in enumerate(self.tried) if t is best)
        clean = any(t.better and not t.trials[0].findings for t in self.tried)
        return clean or (best.cured and since >= PATIENCE)

    def order(self) -> Iterator[Candidate]:
        """Yield the remedies of the first cause, combinations, the other remedies, general ones, combinations."""
        first = self._roots[:1]
        leading = [c for c in self._own if c.code in first][:2]
        others = [next((c for c in self._own if c.code == root), None) for root in self._roots[1:]]
        yield from self._new([*leading, *(c for c in others if c is not None)])
        yield from self._combinations()
        yield from self._new(self._own)
        yield from self._combinations()
        yield from self._new(self._general)
        yield from self._combinations(weak=True)

    def _possible(self, listed: list[Candidate]) -> list[Candidate]:
        """Drop candidates that cannot be applied from outside."""
        kept = []
        for candidate in listed:
            reasons = [(change.label(), self._refusal(change)) for change in candidate.changes]
            refused = {label: reason for label, reason in reasons if reason}
            self.skipped.update(refused)
            kept += [] if refused else [candidate]
        return kept

    def _new(self, listed: list[Candidate]) -> Iterator[Candidate]:
        for candidate in listed:
            if self.decided:
                return
            if not self._known(candidate):
                self._given.append(candidate)
                yield candidate

    def _known(self, candidate: Candidate) -> bool:
        """Return whether a candidate does what was tried, or nothing to the run as it is."""
        tried = any(same(candidate, other, self._run) for other in self._given)
        return tried or effect(candidate, self._run).nothing

    def _combinations(self, *, weak: bool = False) -> Iterator[Candidate]:
        """Yield the most promising candidate combined with what its own diagnosis asks for, then with other roots.

        `weak` also admits one that was applied without effect.
        """
        if not self._combine:
            return
        for _ in range(AT_ONCE - 1):
            base = self._base(weak=weak)
            if base is None or len(base.candidate.changes) >= AT_ONCE:
                return
            before = base
            partners = self._partners(base, general=weak or base.better)
            joined = [c for c in combined(base.candidate, partners) if not self._known(c)]
            yield from self._new(joined if weak else joined[:PARTNERS])
            if self._base(weak=weak) is before:
                return

    def _base(self, *, weak: bool) -> Tried | None:
        """Return what to build on: the best so far, else one that removed its finding without harm."""
        if self.best is not None:
            return self.best
        usable = [t for t in self.tried if t.verdict not in USELESS]
        helped = [t for t in usable if t.candidate.code in t.trials[0].gone and t.verdict != "worse"]
        return max(helped or (usable[:1] if weak else []), key=lambda t: (len(t.trials[0].gone), t.gain), default=None)

    def _partners(self, base: Tried, *, general: bool) -> list[Candidate]:
        """Return what to combine with it: remedies for findings in the run of the base, then those of other roots.

        General ones are tried alone before they are combined with something that improved nothing.
        """
        useless = [t.candidate for t in self.tried if t.verdict in ("refused", "failed", "ignored")]
        asked = self._asked(base)
        siblings = [c for c in self._own if c.code == base.candidate.code]
        others = [c for c in self._own if c.code in self._roots and c.code != base.candidate.code]
        helped = [t.candidate for t in self.tried if t.better and len(t.candidate.changes) == 1]
        listed = [*asked[:ASKED], *helped, *others[:ASKED], *siblings, *asked[ASKED:]]
        listed += self._general if general else []
        usable = [c for c in listed if not any(same(c, other, self._run) for other in useless)]
        return [c for c in usable if not c.alone]

    def _asked(self, base: Tried) -> list[Candidate]:
        """Return the remedies for the causes found in the run of a candidate."""
        told = base.runs[0].diagnosis
        if told is None:
            return []
        roots = {finding.code for finding in alarming(told)}
        return self._possible([c for c in candidates(told) if c.code in roots])
