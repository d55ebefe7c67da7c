"""Diagnoses as GitLab code quality: a list of issues with a place in the code."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from trainadvisor.report.machine.gate_entries import Entry, message, place
from trainadvisor.report.machine.json_document import safe
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook

SEVERITY = {"error": "critical", "warning": "major", "note": "info"}


def render(diagnosis: Diagnosis, lang: str = "en", book: Rulebook | None = None) -> str:
    """Return the issues of one run."""
    return render_all([Entry(diagnosis)], lang, book)


def render_all(entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return the issues of several runs, each finding of a line once."""
    del lang, book
    issues = {issue["fingerprint"]: issue for entry in entries for issue in _issues(entry)}
    return safe(json.dumps(list(issues.values()), indent=2, ensure_ascii=False))


def _issues(entry: Entry) -> Iterator[dict[str, Any]]:
    for finding in entry.told():
        if where := place(finding):
            path, line = where
            yield {
                "description": clean(" ".join(message(finding).split()), 2000),
                "check_name": finding.code,
                "fingerprint": hashlib.sha256(f"{finding.code}\n{path}".encode()).hexdigest()[:32],
                "severity": SEVERITY[finding.severity] if entry.failing(finding) else "info",
                "location": {"path": path, "lines": {"begin": line}},
            }
