"""Diagnoses as workflow commands of GitHub: annotations, at most nine of a kind, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words
from trainadvisor.report.machine.gate_entries import Entry, marked_at, message, place
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.judge.rulebook import Rulebook

MOST = 9  # of each kind in a step ten are shown
LONGEST = 4_000
KINDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(diagnosis: Diagnosis, lang: str = "en", book: Rulebook | None = None) -> str:
    """Return the annotations of one run."""
    return render_all([Entry(diagnosis)], lang, book)


def render_all(entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return the annotations of several runs together; a finding that does not fail a gate is a notice."""
    del book
    kinds: dict[str, list[Finding]] = {kind: [] for kind in KINDS.values()}
    for entry in entries:
        for finding in entry.told():
            quiet = entry.fails is not None and not entry.failing(finding)
            kinds["notice" if quiet else KINDS[finding.severity]].append(finding)
    missed = dict.fromkeys(sentence for entry in entries for _, sentence, holds in entry.required if holds is False)
    lines = [f"::error title=require::{_data(clean(sentence))}" for sentence in missed][: MOST - 1]
    return "\n".join(
        [*lines, *(line for kind, found in kinds.items() for line in _kind(kind, found, Words(lang), len(lines)))]
    )


def _kind(kind: str, findings: list[Finding], words: Words, used: int) -> Iterator[str]:
    room = max(1, MOST - used) if kind == "error" else MOST
    shown = findings if len(findings) <= room else findings[: room - 1]
    for finding in shown:
        yield _annotation(kind, finding)
    if len(findings) > len(shown):
        rest = words("more-findings", count=len(findings) - len(shown))
        yield f"::{kind} title=trainadvisor::{_data(rest)}"


def _annotation(kind: str, finding: Finding) -> str:
    where = place(finding)
    at = f"file={_property(where[0])},line={where[1]}," if where else ""
    if where and (site := marked_at(finding, *where)):
        at += f"col={site.column},endColumn={site.end_column},"
    text = "\n".join(clean(line) for line in message(finding).split("\n"))
    return f"::{kind} {at}title={_property(clean(finding.code))}::{_data(text[:LONGEST])}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
