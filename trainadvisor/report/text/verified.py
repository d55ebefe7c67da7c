"""The section on verified remedies: what re-runs with them said, as terminal text and as Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from trainadvisor.figures import short

if TYPE_CHECKING:
    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis, Remedy
    from trainadvisor.report.text.page import Page

COLUMNS = ("remedy", "metric", "before", "after", "gain", "seeds")


def tried(diagnosis: Diagnosis) -> list[tuple[str, Remedy]]:
    """Return the remedies that re-runs have tried with the code of their finding, those that helped first."""
    each = [(f.code, remedy) for f in diagnosis.walk() for remedy in f.remedies if remedy.verified]
    distinct: dict[tuple[str, str], tuple[str, Remedy]] = {}
    for code, remedy in each:
        distinct.setdefault((remedy.change, str(remedy.arguments)), (code, remedy))
    return sorted(distinct.values(), key=lambda item: not helped(item[1]))


def helped(remedy: Remedy) -> bool:
    """Return whether re-runs verified a remedy; a note without this field is of a remedy that was."""
    return bool((remedy.verified or {}).get("better", True))


def figure(value: Any) -> str:
    """Return a figure with three digits; JSON writes what is not finite as a word."""
    number = float(value) if isinstance(value, (int, float, str)) and _is_number(value) else math.nan
    return short(number) if math.isfinite(number) else "nan"


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def outcome(remedy: Remedy, words: Words) -> str:
    """Return what the re-runs said in one sentence."""
    told = str((remedy.verified or {}).get("text") or (remedy.verified or {}).get("outcome") or "")
    return words("verified" if helped(remedy) else "verify.tried", text=told)


def row(remedy: Remedy, words: Words) -> list[str]:
    """Return the cells of a remedy: what it is, the metric, without, with, gain and interval, seeds."""
    note = remedy.verified or {}
    cells = [
        remedy.text,
        words.metric(str(note.get("metric", ""))),
        figure(note.get("before")),
        figure(note.get("after")),
    ]
    return [*cells, _gain(note), _seeds(note, words)]


def _gain(note: dict[str, Any]) -> str:
    """Return the gain, positive where the remedy is better, with its interval where there is one."""
    if note.get("interval"):
        low, high = (float(bound) for bound in note["interval"])
        return f"{figure((low + high) / 2)} ({figure(low)} .. {figure(high)})"
    return figure(note["gain"]) if "gain" in note else "-"


def _seeds(note: dict[str, Any], words: Words) -> str:
    return words("verify.seeds", wins=note["wins"], seeds=note["seeds"]) if "seeds" in note else "1"


def add(page: Page, diagnosis: Diagnosis) -> None:
    """Add the section to a page of text, nothing where no remedy was tried."""
    listed = tried(diagnosis)
    if not listed:
        return
    words = page.words
    page.paragraph(words("verify.section"))
    for code, remedy in listed:
        page.paragraph(f"{code}{words('colon')}{remedy.text}", indent="  ", hang="  ")
        page.paragraph(outcome(remedy, words), indent="    ", hang="  ")
    page.blank()


def markdown(diagnosis: Diagnosis, words: Words, escape: Any) -> str | None:
    """Return the section as a table, None where no remedy was tried."""
    listed = tried(diagnosis)
    if not listed:
        return None
    head = [words(f"verify.col.{name}") for name in COLUMNS]
    rows = [[escape(cell) for cell in row(remedy, words)] for _, remedy in listed]
    lines = [head, ["---"] * len(head), *rows]
    return f"#### {words('verify.section')}\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
