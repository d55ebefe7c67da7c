"""Diagnoses as one line a finding: place, level, code, sentence; as linters print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words
from trainadvisor.report.machine.gate_entries import Entry, place
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook


def render(diagnosis: Diagnosis, lang: str = "en", book: Rulebook | None = None) -> str:
    """Return the lines of one run."""
    return render_all([Entry(diagnosis)], lang, book)


def render_all(entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return the lines of several runs, the verdict of each at its end."""
    del book
    words = Words(lang)
    return "\n".join(line for entry in entries for line in _lines(entry, words))


def _lines(entry: Entry, words: Words) -> Iterator[str]:
    for finding in entry.told():
        where = place(finding)
        at = f"{where[0]}:{where[1]}" if where else entry.name
        excuse = entry.excused.get(finding.code, "")
        aside = words("aside", text=clean(excuse)) if excuse else ""
        yield f"{clean(at)}: {finding.severity}[{finding.code}] {clean(finding.sentence or finding.title)}{aside}"
    for text, sentence, holds in entry.required:
        if not holds:
            yield f"{clean(entry.name)}: require[{text}] {clean(sentence)}"
    state = words(f"state.{entry.diagnosis.state}")
    yield f"{clean(entry.name)}: {state}{words('colon')}{clean(entry.diagnosis.summary)}"
