"""What the judgements of a growing log say one after the other: findings that open, worsen and clear, each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trainadvisor.vocabulary import Confidence, Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainadvisor.judge.result import Finding

# A finding that rests on statistics has to hold for so many steps; for a minute where steps are long.
STEPS, SECONDS = 50, 60.0


@dataclass(frozen=True)
class FindingEvent:
    """A finding that has opened, worsened or cleared, and the last step of the log that showed it."""

    kind: Literal["opened", "worsened", "cleared"]
    finding: Finding
    step: int


@dataclass(frozen=True)
class Standing:
    """A finding that has held long enough to be told, and the step since which it is known to hold."""

    finding: Finding
    since: int
    # Whether it was told by itself; what another finding explains is not.
    told: bool


class FindingLedger:
    """Keeps which findings hold since when, and which of them were told at which severity."""

    def __init__(self) -> None:
        self.standing: list[Standing] = []
        self._seen: dict[str, tuple[int, float]] = {}
        self._told: dict[str, Finding] = {}

    def update(
        self, findings: Iterable[Finding], step: int, now: float, *, settled: bool = False, final: bool = False
    ) -> list[FindingEvent]:
        """Take the findings of a look at this step and moment; return what is new.

        Statistics have to hold for a while, unless it is `settled` that they do. What only the end of a run can show is
        left out until the look is `final`.
        """
        roots = list(findings)
        present = {f.code: f for root in roots for f in root.walk() if f.severity > Severity.NOTE}
        self._seen = {code: self._seen.get(code, (step, now)) for code in present}
        shown = {f.code for root in roots for f in _loud(root, final=final)}
        self.standing = [
            Standing(finding, self._since(finding), code in shown)
            for code, finding in present.items()
            if _timely(finding, final=final) and (settled or final or self._holds(finding, step, now))
        ]
        return [*self._news(step), *self._cleared(present, step)]

    def _since(self, finding: Finding) -> int:
        return self._seen[finding.code][0] if finding.onset is None else finding.onset

    def _holds(self, finding: Finding, step: int, now: float) -> bool:
        first, moment = self._seen[finding.code]
        return _is_seen(finding) or step - first >= STEPS or now - moment >= SECONDS

    def _news(self, step: int) -> Iterator[FindingEvent]:
        for finding in (entry.finding for entry in self.standing if entry.told):
            before = self._told.get(finding.code)
            if before is None or worst_severity(finding) > worst_severity(before):
                self._told[finding.code] = finding
                yield FindingEvent("opened" if before is None else "worsened", finding, step)

    def _cleared(self, present: dict[str, Finding], step: int) -> Iterator[FindingEvent]:
        for code in [code for code in self._told if code not in present]:
            yield FindingEvent("cleared", self._told.pop(code), step)


def worst_severity(finding: Finding) -> Severity:
    """Return how grave a finding is with what follows from it, as far as that was seen: NaN behind a mere warning."""
    return max([finding.severity, *(f.severity for f in finding.walk() if _is_seen(f) and _timely(f, final=False))])


def _is_seen(finding: Finding) -> bool:
    return finding.handling.evidence == Evidence.DIRECT or finding.confidence == Confidence.CERTAIN


def _loud(finding: Finding, *, final: bool) -> list[Finding]:
    """Return a finding, or what it explains where it is itself nothing to tell yet."""
    if finding.severity > Severity.NOTE and _timely(finding, final=final):
        return [finding]
    return [loud for follower in finding.explains for loud in _loud(follower, final=final)]


def _timely(finding: Finding, *, final: bool) -> bool:
    """Return whether a finding can be judged by now: how a run ends would be prophecy while it lasts."""
    return final or finding.handling.phase != "end"
