"""A diagnosis for a coding agent: lines, patches and the next command, in no more than 1,500 tokens."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from trainadvisor.report.machine.gate_entries import Entry
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding, Remedy
    from trainadvisor.judge.rulebook import Rulebook

# Tokens of one run; a token holds three letters of English at least, or one sign of Chinese.
MOST, LETTERS = 1500, 3
FULL, REMEDIES, EVIDENCE, LONGEST = 3, 2, 3, 400


def render(diagnosis: Diagnosis, lang: str = "en", book: Rulebook | None = None) -> str:
    """Return one run."""
    return render_all([Entry(diagnosis)], lang, book)


def render_all(entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return several runs, each within its limit."""
    del lang, book
    return "\n\n".join(_told(entry.diagnosis) for entry in entries)


def tokens(text: str) -> int:
    """Return how many tokens a text has at most, whichever model reads it."""
    plain = sum(character.isascii() for character in text)
    return -(-plain // LETTERS) + len(text) - plain


def _told(diagnosis: Diagnosis) -> str:
    """Return the blocks that fit, the gravest first, and always the next command."""
    following = "\n".join(_next(diagnosis))
    room = MOST - tokens(following) - 1
    kept: list[str] = []
    for block in _blocks(diagnosis):
        room -= tokens(block) + 1
        if room < 0:
            break
        kept.append(block)
    return "\n".join([*kept, following])


def _blocks(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"state: {diagnosis.state}\nsummary: {_short(diagnosis.summary)}"
    findings = [item for item in diagnosis.findings if item.severity != "note"]
    for number, finding in enumerate(findings, 1):
        yield "\n".join(_finding(finding, number)) if number <= FULL else f"also: {finding.code} ({finding.severity})"
    if not findings and diagnosis.reasons:
        yield "\n".join(f"open: {_short(reason.text)}" for reason in diagnosis.reasons[:FULL])


def _finding(finding: Finding, number: int) -> Iterator[str]:
    yield f"\nfinding {number}: {finding.code} ({finding.severity}, {finding.confidence}): {_short(finding.sentence)}"
    if finding.where:
        source = finding.sites[0].source if finding.sites else None
        yield f"at: {clean(finding.where)}" + (f": {_short(source)}" if source else "")
    yield from (f"evidence: {_short(item.text)}" for item in finding.evidence[:EVIDENCE] if item.text)
    if finding.cause:
        yield f"cause: {_short(finding.cause)}"
    for remedy in finding.remedies[:REMEDIES]:
        yield from _remedy(remedy)
    if finding.verify:
        yield f"solved when: {_short(finding.verify)}"
    if follows := [item.code for item in finding.consequences()]:
        yield f"explains: {', '.join(follows[:8])}"


def _remedy(remedy: Remedy) -> Iterator[str]:
    yield f"change ({remedy.applies}): {_short(remedy.text)}"
    if remedy.code and len(remedy.code) <= 2 * LONGEST:
        yield "\n".join(f"    {line}" for line in remedy.code.splitlines())


def _next(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the commands that go on from here."""
    run = diagnosis.run
    log, script = str(run.get("log") or ""), str(run.get("script") or "")
    again = shlex.join([script, *map(str, run.get("argv") or ())]) if script.endswith(".py") else ""
    worst = next((item for item in diagnosis.findings if item.severity != "note"), None)
    if worst is not None and worst.family != "crash" and again:
        yield f"next: trainadvisor fix {shlex.quote(log)} --dry-run"
        yield f"write it: trainadvisor fix {shlex.quote(log)} --yes"
        yield f"or try the changes: trainadvisor verify {again}"
    if again and diagnosis.state != "healthy":
        yield f"{'then' if worst else 'next'}: trainadvisor run {again}"
    if worst is not None:
        yield f"more: trainadvisor explain {worst.code}"


def _short(text: str) -> str:
    text = clean(" ".join(text.split()))
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
