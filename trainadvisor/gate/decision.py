"""The decision of a gate: diagnoses and a policy become pass, fail or undecided. Pure: no files, no output."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from statistics import median
from typing import TYPE_CHECKING, Any

from trainadvisor.gate import baseline as baselines
from trainadvisor.judge.doubts import UNPROVEN
from trainadvisor.vocabulary import Confidence, Severity, reaches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from trainadvisor.gate.baseline import Baseline
    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.requirements import Requirement
    from trainadvisor.settings import Accepted

PASS, FAIL, UNDECIDED = "pass", "fail", "undecided"
EXIT = {PASS: 0, FAIL: 1, UNDECIDED: 3}
TIMING = "throughput"


@dataclass(frozen=True)
class Policy:
    """What a gate lets through."""

    fail_on: str = "error"
    min_confidence: str = "likely"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    min_steps: int = 0
    # The most checks that may stay unmade; None for any number.
    max_unchecked: int | None = None
    require: tuple[Requirement, ...] = ()
    accept: tuple[Accepted, ...] = ()
    preview: frozenset[str] = frozenset()
    aggregate: str = "any"
    # The project's settings of each rule, a part of fingerprints.
    settings: Mapping[str, object] = field(default_factory=dict)
    today: date = field(default_factory=date.today)

    def wants(self, item: Finding) -> bool:
        """Return whether the policy considers a finding."""
        names = {item.code, item.family}
        chosen = not self.select or not names.isdisjoint(self.select)
        return chosen and names.isdisjoint(self.ignore) and item.code not in self.preview

    def reaches(self, item: Finding) -> bool:
        """Return whether a finding is severe and certain enough to fail the gate."""
        sure = Confidence(item.confidence) >= self.min_confidence
        return sure and reaches(item.severity, self.fail_on)

    def accepted(self, item: Finding) -> Accepted | None:
        """Return why the project accepts a finding, or None if it does not or the acceptance has expired."""
        return next((a for a in self.accept if a.code == item.code and not self.expired(a)), None)

    def expired(self, accepted: Accepted) -> bool:
        """Return whether an acceptance has expired."""
        return accepted.until is not None and accepted.until < self.today


@dataclass(frozen=True)
class Item:
    """How the gate treats one finding: fails, known, accepted, elsewhere (another device), or below the threshold."""

    finding: Finding
    status: str
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """A required metric: `holds` is None when it was not recorded or is not comparable."""

    requirement: Requirement
    value: float | None
    holds: bool | None
    skipped: bool = False


@dataclass(frozen=True)
class Reason:
    """Why no decision was made: the key of a text and its values."""

    key: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Judged:
    """The decision on one run."""

    diagnosis: Diagnosis
    outcome: str
    items: tuple[Item, ...]
    measured: tuple[Measured, ...]
    reasons: tuple[Reason, ...] = ()

    @property
    def failing(self) -> list[Item]:
        """Return the findings that fail."""
        return [item for item in self.items if item.status == FAIL]


@dataclass(frozen=True)
class Decision:
    """The decision on all runs together."""

    outcome: str
    runs: tuple[Judged, ...]
    measured: tuple[Measured, ...] = ()
    fixed: tuple[str, ...] = ()
    expired: tuple[Accepted, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return 0, 1 or 3."""
        return EXIT[self.outcome]


def decide(runs: Sequence[Diagnosis], policy: Policy, baseline: Baseline | None = None) -> Decision:
    """Return the decision on one run, or on several of the same training."""
    together = policy.aggregate == "median"
    alone = replace(policy, require=()) if together else policy
    judged = tuple(_judge(run, alone, baseline) for run in runs)
    measured = tuple(_middle(requirement, runs, baseline) for requirement in policy.require) if together else ()
    return Decision(
        outcome=_worst([_AGGREGATE[policy.aggregate]([run.outcome for run in judged]), _met(measured)]),
        runs=judged,
        measured=measured,
        fixed=tuple(_fixed(runs, policy, baseline)) if baseline else (),
        expired=tuple(accepted for accepted in policy.accept if policy.expired(accepted)),
    )


def _judge(run: Diagnosis, policy: Policy, baseline: Baseline | None) -> Judged:
    items = tuple(_items(run.findings, run, policy, baseline))
    measured = tuple(_measure(requirement, requirement.value(run.run), run, baseline) for requirement in policy.require)
    reasons = tuple(_barriers(run, policy, baseline))
    if reasons:
        return Judged(run, UNDECIDED, items, measured, reasons)
    if any(item.status == FAIL for item in items) or _met(measured) == FAIL:
        return Judged(run, FAIL, items, measured)
    reasons = tuple(_gaps(run, policy, measured))
    return Judged(run, UNDECIDED if reasons else PASS, items, measured, reasons)


def _items(findings: Sequence[Finding], run: Diagnosis, policy: Policy, baseline: Baseline | None) -> Iterator[Item]:
    """Yield each finding; its consequences only where it is ignored or below the threshold itself."""
    for finding in findings:
        item = _item(finding, run, policy, baseline)
        if item is not None:
            yield item
        if item is None or item.status == "below":
            yield from _items(finding.explains, run, policy, baseline)


def _item(finding: Finding, run: Diagnosis, policy: Policy, baseline: Baseline | None) -> Item | None:
    if not policy.wants(finding):
        return None
    if not policy.reaches(finding):
        return Item(finding, "below")
    if accepted := policy.accepted(finding):
        return Item(finding, "accepted", accepted.reason)
    return Item(finding, FAIL) if baseline is None else _against(finding, run, policy, baseline)


def _against(finding: Finding, run: Diagnosis, policy: Policy, baseline: Baseline) -> Item:
    """Compare a finding with the baseline: only new or worse ones fail."""
    if finding.family == TIMING and not _same_device(run, baseline):
        return Item(finding, "elsewhere")
    entry = baseline.findings.get(baselines.fingerprint(finding, policy.settings))
    if entry is None:
        return Item(finding, FAIL, "new")
    worse = Severity(finding.severity) > entry.severity
    return Item(finding, FAIL, "worse") if worse else Item(finding, "known")


def _same_device(run: Diagnosis, baseline: Baseline) -> bool:
    return baseline.device is None or run.run.get("device") in (None, baseline.device)


def _measure(requirement: Requirement, value: float | None, run: Diagnosis, baseline: Baseline | None) -> Measured:
    if requirement.timing and baseline and not _same_device(run, baseline):
        return Measured(requirement, value, None, skipped=True)
    return Measured(requirement, value, None if value is None else requirement.holds(value))


def _middle(requirement: Requirement, runs: Sequence[Diagnosis], baseline: Baseline | None) -> Measured:
    """Return the median over several runs; most of them must have recorded the metric."""
    values = [value for value in (requirement.value(run.run) for run in runs) if value is not None]
    return _measure(requirement, median(values) if 2 * len(values) > len(runs) else None, runs[0], baseline)


def _met(measured: Sequence[Measured]) -> str:
    if any(entry.holds is False for entry in measured):
        return FAIL
    return UNDECIDED if any(entry.holds is None and not entry.skipped for entry in measured) else PASS


def _barriers(run: Diagnosis, policy: Policy, baseline: Baseline | None) -> Iterator[Reason]:
    """Yield the reasons why a run cannot be judged at all."""
    steps = int(run.run.get("steps", 0))
    if steps < policy.min_steps:
        yield Reason("gate.short", {"steps": steps, "fewest": policy.min_steps})
    for name, before, now in baselines.differing(baseline, run) if baseline else ():
        yield Reason("gate.workload", {"field": name, "before": before, "now": now})


def _gaps(run: Diagnosis, policy: Policy, measured: Sequence[Measured]) -> Iterator[Reason]:
    """Yield what must still be known before the run can pass."""
    if policy.fail_on != "never" and is_in_doubt(run):
        yield Reason("gate.cannot-tell", {"summary": run.summary})
    if policy.max_unchecked is not None and len(run.unknown) > policy.max_unchecked:
        yield Reason("gate.many-unchecked", {"count": len(run.unknown), "most": policy.max_unchecked})
    for entry in measured:
        if entry.holds is None and not entry.skipped:
            known = ", ".join(run.run.get("val_metrics") or ())
            key = "gate.unmeasured.others" if known else "gate.unmeasured"
            yield Reason(key, {"metric": entry.requirement.metric, "known": known})
    for unknown in run.unknown:
        if unknown.code in policy.select and unknown.missing:
            yield Reason("gate.unjudged", {"code": unknown.code, "how": unknown.how})


def is_in_doubt(run: Diagnosis) -> bool:
    """Return whether a run without a warning is in doubt for more than that its success is not proven."""
    quiet = not any(Severity(item.severity) > Severity.NOTE for item in run.walk())
    grave = not run.reasons or any(reason.code not in UNPROVEN for reason in run.reasons)
    return grave and quiet and run.state in {"cannot-tell", "needs-attention"}


def _fixed(runs: Sequence[Diagnosis], policy: Policy, baseline: Baseline) -> Iterator[str]:
    """Yield the codes of baseline entries that no run shows any more although their rule was judged."""
    found = {baselines.fingerprint(item, policy.settings) for run in runs for item in run.walk()}
    judged = set.intersection(*({item.code for item in run.walk()} | {*run.clear} for run in runs))
    gone = {entry.code for key, entry in baseline.findings.items() if key not in found and entry.code in judged}
    yield from sorted(gone)


def _worst(outcomes: Sequence[str]) -> str:
    return FAIL if FAIL in outcomes else UNDECIDED if UNDECIDED in outcomes else PASS


def _majority(outcomes: Sequence[str]) -> str:
    """Fail when more than half of the runs fail; undecided when undecided runs could tip the majority."""
    fails, open_ = outcomes.count(FAIL), outcomes.count(UNDECIDED)
    half = len(outcomes) / 2
    return FAIL if fails > half else UNDECIDED if fails + open_ > half else PASS


def _all(outcomes: Sequence[str]) -> str:
    return PASS if PASS in outcomes else UNDECIDED if UNDECIDED in outcomes else FAIL


_AGGREGATE: dict[str, Callable[[Sequence[str]], str]] = {
    "any": _worst,
    "majority": _majority,
    "all": _all,
    "median": _majority,
}
