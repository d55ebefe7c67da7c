"""A diagnosis as JSON: the versioned document that programs read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.report.machine.gate_entries import Entry

# JSON escapes C0 by itself; DEL, C1 and marks of direction would reach a terminal that shows the document
UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
Document = dict[str, Any]


def render(diagnosis: Diagnosis, max_bytes: int | None = None) -> str:
    """Return the document, indented; details are left out, the least important first, until it fits."""
    text = safe(diagnosis.model_dump_json(indent=2))
    if max_bytes is None or _size(text) <= max_bytes:
        return text
    document = json.loads(diagnosis.model_dump_json())
    for shorten in SHORTER:
        shorten(document)
        document["truncated"] = True
        text = safe(json.dumps(document, indent=1, ensure_ascii=False))
        if _size(text) <= max_bytes:
            break
    return text


def render_all(entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return one document for one run, a list for several."""
    del lang, book
    texts = [render(entry.diagnosis) for entry in entries]
    return texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"


def safe(text: str) -> str:
    """Return JSON that means the same and commands no terminal."""
    return UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _size(text: str) -> int:
    return len(text.encode())


def _each(findings: list[Document], change: Callable[[Document], object]) -> None:
    for finding in findings:
        change(finding)
        _each(finding["explains"], change)


def _without_reasons(document: Document) -> None:
    """Leave out what was ruled out and not judged, and most names of layers."""
    _each(document["findings"], lambda f: f.update(ruled_out=[], not_judged=[], subjects=f["subjects"][:10]))
    document["run"] = {key: value for key, value in document["run"].items() if key not in ("loss_curve", "argv")}


def _without_hints(document: Document) -> None:
    document["unknown"] = [{"code": entry["code"], "missing": [], "how": ""} for entry in document["unknown"]]
    document["notes"] = document["notes"][:3]


def _without_details(document: Document) -> None:
    """Leave consequences their names only."""
    for finding in document["findings"]:
        _each(finding["explains"], lambda f: f.update(evidence=[], remedies=[], cause="", verify="", sentence=""))


def _few_findings(document: Document) -> None:
    document["findings"] = document["findings"][:3]
    for finding in document["findings"]:
        finding["explains"] = finding["explains"][:10]


def _without_unknown(document: Document) -> None:
    document["unknown"] = []


SHORTER = (_without_reasons, _without_hints, _without_details, _few_findings, _without_unknown)
