"""Turns a diagnosis into the changes to try, the most promising first."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.catalogue import about, all_changes
from trainadvisor.changes.declaration import Order
from trainadvisor.judge.remedies import BY_HAND
from trainadvisor.trials.jobs import Change
from trainadvisor.verify.effects import effect, same
from trainadvisor.verify.plan import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from trainadvisor.changes.declaration import Fallback
    from trainadvisor.judge.result import Diagnosis, Finding, Remedy

# Remedies of a finding that are tried before those of the next one.
FIRST = 2


def alarming(diagnosis: Diagnosis) -> list[Finding]:
    """Return the roots that are a warning or error or explain one."""
    return [finding for finding in diagnosis.findings if any(f.severity != "note" for f in finding.walk())]


def codes(diagnosis: Diagnosis) -> list[str]:
    """Return the codes of all warnings and errors."""
    return list(dict.fromkeys(f.code for f in diagnosis.walk() if f.severity != "note"))


def candidates(diagnosis: Diagnosis, only: str | None = None) -> list[Candidate]:
    """Return what to try: remedies of the roots in turn, then of what they explain, then general ones.

    `only` restricts it to one finding.
    """
    roots = [f for f in diagnosis.walk() if f.code == only] if only else alarming(diagnosis)
    first = [list(_of(root)) for root in roots]
    rivals = list(chain.from_iterable(_separating(root) for root in roots))
    followers = [] if only else [follower for root in roots for follower in root.consequences()]
    later = [[c for c in _of(follower) if not c.changes[0].about.overrules] for follower in followers]
    ordered = [
        *chain.from_iterable(options[:FIRST] for options in first[:1]),
        *rivals,
        *_in_turn([options[:FIRST] for options in first[1:]]),
        *chain.from_iterable(options[FIRST:] for options in first),
        *sorted(_in_turn(later), key=lambda candidate: candidate.changes[0].about.order > Order.USUAL),
    ]
    # a lower loss does not cure a finding about time or memory
    costly = bool(roots) and roots[0].handling.measured_by != "loss"
    general = [] if only or costly else [Candidate((change,), origin="fallback") for change in _general(diagnosis)]
    return list(_distinct([*ordered, *general], diagnosis.run))


def _of(finding: Finding) -> Iterator[Candidate]:
    behind = finding.family != "data"
    for remedy in sorted(finding.remedies, key=lambda r: behind and about(r.change).order == Order.BEHIND):
        if remedy.change != BY_HAND and about(remedy.change).comparable and not _better_told(remedy, finding):
            yield Candidate((_change(remedy),), finding.code, (remedy,), measures=finding.handling.measures)


def _better_told(remedy: Remedy, finding: Finding) -> bool:
    """Return whether another remedy says what the same trial does, and this one only how to look."""
    others = [other for other in finding.remedies if other.applies == "try" and _change(other) == _change(remedy)]
    return bool(others) and remedy.applies == "adapt"


def _change(remedy: Remedy) -> Change:
    return Change(remedy.change, dict(remedy.arguments))


def _separating(finding: Finding) -> Iterator[Candidate]:
    """Yield the experiment that separates a finding from its rival: the same change in both directions."""
    change = finding.handling.separating
    if change is None:
        return
    for arguments in about(change).both_ways:
        yield Candidate((Change(change, dict(arguments)),), finding.code, (), origin="rival")


def _general(diagnosis: Diagnosis) -> Iterator[Change]:
    """Yield changes that often help, first those the rules ask for: keeping numbers finite, or relabeling."""
    wanted = {f.handling.general for f in diagnosis.walk() if f.severity != "note"}
    lost, unlearned = "finite" in wanted, "labels" in wanted
    listed = [(spec.name, fallback) for spec in all_changes().values() for fallback in spec.fallbacks]
    possible = [(name, fallback) for name, fallback in listed if unlearned or not fallback.only_unlearned]

    def place(entry: tuple[str, Fallback]) -> tuple[bool, bool, int]:
        return not entry[1].only_unlearned, lost and not entry[1].keeps_finite, entry[1].rank

    yield from (Change(name, dict(fallback.arguments)) for name, fallback in sorted(possible, key=place))


def anew(candidate: Candidate, diagnosis: Diagnosis) -> Candidate:
    """Return a candidate for another run, with arguments that are specific to a run taken from that run."""
    remedies = [r for f in diagnosis.walk() for r in f.remedies if about(r.change).per_run]
    asked = {remedy.change: _change(remedy) for remedy in reversed(remedies)}
    changes = tuple(asked.get(change.change, change) for change in candidate.changes)
    return candidate if changes == candidate.changes else replace(candidate, changes=changes)


def _in_turn(lists: list[list[Candidate]]) -> Iterator[Candidate]:
    """Yield the first item of each list, then the second of each."""
    for row in zip_longest(*lists):
        yield from (candidate for candidate in row if candidate is not None)


def _distinct(listed: list[Candidate], run: Mapping[str, Any]) -> Iterator[Candidate]:
    kept: list[Candidate] = []
    for candidate in listed:
        if not effect(candidate, run).nothing and not any(same(candidate, other, run) for other in kept):
            kept.append(candidate)
            yield candidate


def combined(base: Candidate, others: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield a candidate combined with others; a second value of the same quantity replaces the first."""
    for other in others:
        shared = base.words & other.words
        if not shared:
            yield base.joined(other)
        elif shared == other.words and other.both_ways:
            yield _refined(base, other.changes[0])


def _refined(base: Candidate, wanted: Change) -> Candidate:
    """Return the candidate with the value that the diagnosis of its own run asks for."""
    changes = tuple(_next(change, wanted) if change.change == wanted.change else change for change in base.changes)
    kept = tuple(None if change.change == wanted.change else remedy for change, remedy in base.parts)
    return replace(base, changes=changes, remedies=kept, origin="combined")


def _next(now: Change, wanted: Change) -> Change:
    factor = wanted.arguments.get("factor")
    if not isinstance(factor, (int, float)):
        return wanted
    return Change(now.change, {name: value * factor for name, value in now.arguments.items()} or {"factor": factor})
