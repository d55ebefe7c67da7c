"""One finding on a page: where, evidence, cause, what was ruled out, the fix, how to see that it worked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainadvisor.report.text import excerpt, verified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Finding, Remedy, RuledOut, Unknown
    from trainadvisor.report.text.page import Page

REMEDIES = 2  # more choices than two are a list, not advice
SUBJECTS = 3
NUMBERED = re.compile(r"evaluation \d+")
OPEN = 2  # causes that could not be judged, with what each needs


def add(page: Page, finding: Finding, *, full: bool, verbose: bool = False) -> None:
    """Add a finding: in full, or only its sentence and its first remedy."""
    headline(page, finding)
    if full:
        _where(page, finding)
        _evidence(page, finding)
        _reasoning(page, finding)
    count = len(finding.remedies) if verbose else REMEDIES if full else 1
    for number, remedy in enumerate(remedies := finding.remedies[:count]):
        _remedy(page, remedy, page.words("or" if number else "first" if len(remedies) > 1 else "fix"))
    if full and finding.verify:
        page.row(page.words("verify"), finding.verify)
    option = " --lang zh" if page.words.lang == "zh" else ""
    page.row(page.words("more"), f"trainadvisor explain {finding.code}{option}")


def headline(page: Page, finding: Finding) -> None:
    """Add the line with the level, the code, the sentence and the confidence."""
    words = page.words
    confidence = words("confidence", word=words(f"confidence.{finding.confidence}"))
    mark = f"{finding.severity}[{finding.code}]"
    page.headline(mark, finding.sentence or finding.title, finding.severity, confidence)


def _where(page: Page, finding: Finding) -> None:
    words = page.words
    parts = [finding.where] if finding.where else []
    if finding.onset is not None:
        parts.append(words("from-step", step=words.number(finding.onset)))
    if parts:
        page.row(words("where"), words("clause").join(parts))
    if lines := excerpt.shown(finding, page.room):
        page.code("\n".join(lines))
    if names := named(finding.subjects):
        page.row(words("subjects"), subjects(page, names))


def named(names: list[str]) -> list[str]:
    """Return the subjects that mean something to the user; a number of ours for an evaluation does not."""
    return [name for name in names if not NUMBERED.fullmatch(name)]


def subjects(page: Page, names: list[str]) -> str:
    """Return the first names and how many more there are."""
    shown = page.words("comma").join(names[:SUBJECTS])
    rest = len(names) - SUBJECTS
    return page.words("more-subjects", shown=shown, count=rest) if rest > 0 else shown


def _evidence(page: Page, finding: Finding) -> None:
    for number, evidence in enumerate(item for item in finding.evidence if item.text):
        page.row("" if number else page.words("evidence"), evidence.text)


def _reasoning(page: Page, finding: Finding) -> None:
    words = page.words
    if finding.cause:
        page.row(words("cause"), finding.cause)
    if finding.ruled_out:
        page.row(words("ruled-out"), words("comma").join(_ruled_out(page, finding.ruled_out)))
    if finding.not_judged:
        _open(page, finding.not_judged)
    if finding.also_explained_by:
        page.row(words("also-from"), words("comma").join(finding.also_explained_by))
    if finding.rival:
        page.row(words("rival"), f"{finding.rival.code}{words('colon')}{finding.rival.test}")


def _ruled_out(page: Page, others: list[RuledOut]) -> Iterator[str]:
    """Yield look-alikes with their reason, those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for other in others:
        reasons.setdefault(other.text, []).append(other.code)
    for reason, codes in reasons.items():
        yield subjects(page, codes) + page.words("aside", text=reason)


def _open(page: Page, causes: list[Unknown]) -> None:
    """Add the possible causes that could not be judged, with what each needs as far as that fits."""
    words = page.words
    told = [cause.code + words("aside", text=_needed(words, cause)) for cause in causes[:OPEN]]
    rest = len(causes) - OPEN
    listed = words("comma").join(told)
    page.row(words("open"), words("more-subjects", shown=listed, count=rest) if rest > 0 else listed)


def _needed(words: Words, cause: Unknown) -> str:
    return words("needs.text", text=cause.how) if cause.missing else cause.how


def _remedy(page: Page, remedy: Remedy, label: str) -> None:
    place = page.words("aside", text=remedy.where) if remedy.where else ""
    page.row(label, remedy.text + place, page.words(f"applies.{remedy.applies}"))
    if remedy.code:
        page.code(remedy.code)
    if remedy.verified:
        page.row("", verified.outcome(remedy, page.words))
