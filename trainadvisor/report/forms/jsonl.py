"""Diagnoses as JSON Lines: one line a run, then one a finding, for programs that read as it comes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trainadvisor.report.machine import json_document
from trainadvisor.report.machine.gate_entries import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook

ENDING = ".jsonl"


def render(diagnosis: Diagnosis, lang: str = "en", book: Rulebook | None = None) -> str:
    """Return the lines of one run."""
    return render_all([Entry(diagnosis)], lang, book)


def render_all(entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return the lines of several runs."""
    del lang, book
    return "\n".join(
        json_document.safe(json.dumps(line, ensure_ascii=False)) for entry in entries for line in _lines(entry)
    )


def _lines(entry: Entry) -> Iterator[dict[str, Any]]:
    diagnosis = entry.diagnosis
    yield {
        "schema": diagnosis.version,
        "record": "run",
        "log": entry.name,
        "state": diagnosis.state,
        "summary": diagnosis.summary,
        "clear": diagnosis.clear,
        "unknown": [unknown.code for unknown in diagnosis.unknown],
    }
    for finding, root in entry.findings():
        fields = finding.model_dump(exclude={"explains", "not_judged"})
        fails = None if entry.fails is None else finding.code in entry.fails
        yield {
            "record": "finding",
            "log": entry.name,
            **fields,
            "explained_by": root.code if root else None,
            "fails": fails,
        }
