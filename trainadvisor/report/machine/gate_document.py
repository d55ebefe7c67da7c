"""The decision of a gate as a JSON document, for programs and agents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trainadvisor.i18n.language import Words
from trainadvisor.report.machine import json_document

if TYPE_CHECKING:
    from trainadvisor.gate.decision import Decision, Item, Measured

SCHEMA = "trainadvisor/check/1"


def render(decision: Decision, code: int, max_bytes: int | None = None) -> str:
    """Return the document with the diagnoses in it; `max_bytes` is shared between the runs."""
    room = None if max_bytes is None else (max_bytes - 4_000) // len(decision.runs)
    runs = [json.loads(json_document.render(run.diagnosis, room)) for run in decision.runs]
    whole = document(decision, runs, code)
    text = json_document.safe(json.dumps(whole, indent=1, ensure_ascii=False))
    if max_bytes is None or len(text.encode()) <= max_bytes:
        return text
    return json_document.safe(json.dumps(whole, separators=(",", ":"), ensure_ascii=False))


def document(decision: Decision, runs: list[Any], code: int) -> dict[str, Any]:
    """Return the decision for programs; `runs` are the diagnoses as JSON values."""
    return {
        "schema": SCHEMA,
        "outcome": decision.outcome,
        "exit_code": code,
        "exit_reason": _reason(decision),
        "failing": sorted({item.finding.code for run in decision.runs for item in run.failing}),
        "new": sorted(
            {item.finding.code for run in decision.runs for item in run.failing if item.note in ("new", "worse")}
        ),
        "fixed": list(decision.fixed),
        "expired": [accepted.code for accepted in decision.expired],
        "required": [_required(entry) for entry in _measured(decision)],
        "runs": [
            {"outcome": run.outcome, "items": [_item(item) for item in run.items], "diagnosis": diagnosis}
            for run, diagnosis in zip(decision.runs, runs, strict=True)
        ],
    }


def _measured(decision: Decision) -> list[Measured]:
    """Return every required figure: of each run, or of all together."""
    return [entry for run in decision.runs for entry in run.measured] + list(decision.measured)


def _reason(decision: Decision) -> str:
    words = Words("en")
    reasons = [words(reason.key, **reason.values) for run in decision.runs for reason in run.reasons]
    failing = sorted({item.finding.code for run in decision.runs for item in run.failing})
    missed = [m.requirement.text for m in _measured(decision) if m.holds is False]
    if decision.outcome == "fail":
        return "; ".join(filter(None, [", ".join(failing), ", ".join(missed)]))
    return "; ".join(reasons) if decision.outcome == "undecided" else "passed"


def _required(entry: Measured) -> dict[str, Any]:
    return {"text": entry.requirement.text, "value": entry.value, "holds": entry.holds}


def _item(item: Item) -> dict[str, Any]:
    return {"code": item.finding.code, "severity": item.finding.severity, "status": item.status, "note": item.note}
