"""Writes the results of the trials into the diagnosis: each remedy's `verified` field and each finding's confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.judge.result import Remedy
from trainadvisor.verify import trial_verdict
from trainadvisor.vocabulary import Confidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.trials.jobs import Change
    from trainadvisor.verify.trial_runs import Tried
    from trainadvisor.verify.verify_result import Verified

# A gain that would nearly count, as a share of one that does.
SMALL_GAIN = 0.5
FINISHED = frozenset({"better", "little-better", "no-better", "worse", "hopeless"})


def marked(diagnosis: Diagnosis, tried: Sequence[Tried], found: Sequence[Verified], words: Words) -> Diagnosis:
    """Return a copy of the diagnosis that includes the outcome of the trials."""
    copy = diagnosis.model_copy(deep=True)
    for item in found:
        _note_verified(copy, item, words)
    for one in tried:
        if len(one.candidate.changes) == 1 and not one.better and one.verdict in FINISHED:
            _note_tried(copy, one, words)
    _weigh(copy, tried, found)
    return copy


def _note_verified(diagnosis: Diagnosis, item: Verified, words: Words) -> None:
    from trainadvisor.verify.outcome_words import told

    note = {**item.model_dump(mode="json"), "better": True, "text": told(item, words)}
    alone = not item.combined_with
    remedies = _same(diagnosis, item.change, item.arguments) if alone else []
    if not remedies and diagnosis.findings:
        root = next((f for f in diagnosis.walk() if f.code == item.code), diagnosis.findings[0])
        added = Remedy(
            change=item.change,
            arguments=item.arguments,
            applies="try",
            text=item.text,
            code=item.diff,
            where=item.where,
            edits=item.edits,
        )
        root.remedies.append(added)
        remedies = [added]
    for remedy in remedies:
        remedy.verified = note


def _note_tried(diagnosis: Diagnosis, one: Tried, words: Words) -> None:
    change = one.candidate.changes[0]
    first = trial_verdict.best(one.compared) or next(iter(one.compared), None)
    figures: dict[str, Any] = first.told().model_dump(mode="json") if first else {}
    text = words(f"verify.{one.verdict}")
    for remedy in _same(diagnosis, change.change, change.arguments):
        remedy.verified = remedy.verified or {**figures, "better": False, "text": text, "outcome": one.verdict}


def _same(diagnosis: Diagnosis, change: str, arguments: dict[str, Any]) -> list[Remedy]:
    each = [remedy for finding in diagnosis.walk() for remedy in finding.remedies]
    return [remedy for remedy in each if remedy.change == change and remedy.arguments == arguments]


def _weigh(diagnosis: Diagnosis, tried: Sequence[Tried], found: Sequence[Verified]) -> None:
    """Raise the confidence of a finding whose remedy cured the run; lower it if all its remedies failed.

    What is certain and goes away with its remedy was there, also where a single seed shows only a small gain.
    """
    cured = {item.code for item in found if item.code in item.gone}
    for finding in diagnosis.findings:
        if finding.code in cured:
            _shift(finding, +1)
        elif _failed(finding, tried) and not _was_there(finding, tried):
            _shift(finding, -1)


def _failed(finding: Finding, tried: Sequence[Tried]) -> bool:
    """Return whether a remedy of the finding was tried to completion and none improved anything."""
    own: list[Change] = [c for t in tried if t.candidate.code == finding.code for c in t.candidate.changes]
    ended = [t for t in tried if t.candidate.code == finding.code and t.verdict in FINISHED]
    return bool(own) and bool(ended) and not any(t.better for t in ended)


def _was_there(finding: Finding, tried: Sequence[Tried]) -> bool:
    """Return whether a finding that is certain has gone away with a remedy of its own, which gained something."""
    own = [t for t in tried if t.candidate.code == finding.code and t.verdict in FINISHED]
    return finding.confidence == Confidence.CERTAIN and any(
        finding.code in t.trials[0].gone and t.gain > SMALL_GAIN for t in own
    )


def _shift(finding: Finding, by: int) -> None:
    finding.confidence = Confidence(finding.confidence).shifted(by)
