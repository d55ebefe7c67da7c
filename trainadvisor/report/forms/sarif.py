"""Diagnoses as SARIF 2.1.0, for code scanning: only findings whose line in the user's code is known."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from trainadvisor.report.machine.gate_entries import Entry, marked_at, message, place
from trainadvisor.report.machine.json_document import safe
from trainadvisor.report.text.layout import clean
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.judge.rulebook import Rule, Rulebook

ENDING = ".sarif"

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RUNS, RESULTS, TEXT, TAGS = 20, 5_000, 1_000, 10  # what code scanning takes and keeps
PRECISION = {"certain": "very-high", "likely": "high", "possible": "low"}
EVIDENCE = {"direct": "very-high", "exact": "very-high", "static": "high", "statistical": "medium"}
PLACEHOLDER = re.compile(r"\{(\w+)(?::[^}]*)?\}")


def render(diagnosis: Diagnosis, lang: str = "en", book: Rulebook | None = None) -> str:
    """Return the document of one run."""
    return render_all([Entry(diagnosis)], lang, book)


def render_all(entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return the document of several runs, at most twenty."""
    from trainadvisor.judge.rule_loading import load

    known = book or load()
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(entry, lang, known) for entry in entries[:RUNS]]}
    return safe(json.dumps(document, indent=2, ensure_ascii=False))


def _run(entry: Entry, lang: str, book: Rulebook) -> dict[str, Any]:
    from trainadvisor.version import __version__

    placed = list(_placed(entry))[:RESULTS]
    codes = list(dict.fromkeys(finding.code for finding, _ in placed))
    driver = {
        "name": "trainadvisor",
        "version": __version__,
        "rules": [_rule(code, book, lang) for code in codes],
    }
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"trainadvisor/{clean(entry.name)}"},
        "results": [_result(entry, finding, where, codes.index(finding.code)) for finding, where in placed],
        "columnKind": "unicodeCodePoints",
    }


def _placed(entry: Entry) -> Iterator[tuple[Finding, tuple[str, int]]]:
    """Yield the findings with a line of code, the worst first."""
    for finding in sorted(entry.told(), key=lambda item: -Severity(item.severity).rank):
        if where := place(finding):
            yield finding, where


def _rule(code: str, book: Rulebook, lang: str) -> dict[str, Any]:
    rule = book.rules.get(code)
    if rule is None:
        return {
            "id": code,
            "shortDescription": {"text": code},
            "fullDescription": {"text": code},
            "help": {"text": code},
        }
    doc = _plain(rule.text("doc", lang)) or rule.title(lang)
    return {
        "id": code,
        "name": "".join(word.title() for word in code.split("-")),
        "shortDescription": {"text": _plain(rule.title(lang))[:TEXT]},
        "fullDescription": {"text": (_plain(rule.text("cause", lang)) or doc)[:TEXT]},
        "help": {"text": doc, "markdown": _markdown(rule, doc, lang)},
        "defaultConfiguration": {"level": str(rule.severity)},
        "properties": _properties(rule),
    }


def _properties(rule: Rule) -> dict[str, Any]:
    tags = ["training", rule.family, rule.kind][:TAGS]
    return {
        "tags": tags,
        "precision": EVIDENCE.get(rule.evidence, "medium"),
        "problem.severity": _problem(rule.severity),
    }


def _problem(severity: str) -> str:
    return {"note": "recommendation"}.get(severity, severity)


def _plain(text: str) -> str:
    """Return a rule's text with <name> where a run would put a figure."""
    return PLACEHOLDER.sub(r"<\1>", text).replace("{{", "{").replace("}}", "}").strip()


def _markdown(rule: Rule, doc: str, lang: str) -> str:
    fixes = [f"* {_plain(str(remedy.get(lang) or remedy.get('en', '')))}" for remedy in rule.all_remedies]
    return "\n".join([f"**{rule.code}**", "", doc, "", *fixes]).strip()


def _result(entry: Entry, finding: Finding, where: tuple[str, int], number: int) -> dict[str, Any]:
    path, line = where
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": number,
        "level": str(finding.severity),
        "message": {"text": _sentences(message(finding))},
        "locations": [_location(path, line, finding)],
        "partialFingerprints": {"primaryLocationLineHash": _hash(path, finding)},
        "properties": {"precision": PRECISION[finding.confidence], "problem.severity": _problem(finding.severity)},
    }
    others = [site for site in finding.sites[1:] if site.column and site.line and not Path(site.file).is_absolute()]
    if others:
        related = [_location(_slashed(site.file), site.line or 1, finding) for site in others]
        result["relatedLocations"] = [{"id": number, **place} for number, place in enumerate(related, 1)]
    if finding.code in entry.known:
        result["baselineState"] = "unchanged"
    if finding.code in entry.excused and finding.code not in entry.known:
        result["suppressions"] = [{"kind": "external", "justification": clean(entry.excused[finding.code])}]
    return result


def _sentences(text: str) -> str:
    """Return the message; its first sentence, which is shown as the title, is the finding's title.

    A bracket followed by a parenthesis would be a link.
    """
    title, _, rest = text.replace("](", "] (").partition("\n")
    return f"{title}. {rest}".strip() if rest else f"{title}."


def _slashed(name: str) -> str:
    return str(PurePosixPath(*Path(name).parts))


def _location(path: str, line: int, finding: Finding) -> dict[str, Any]:
    from urllib.parse import quote

    site = marked_at(finding, path, line)
    start, end = (site.column or 1, site.end_column or 1) if site else (1, 1)
    region: dict[str, Any] = {"startLine": line, "startColumn": start, "endLine": line, "endColumn": end}
    if site and site.source:
        region["snippet"] = {"text": clean(site.source)}
    return {"physicalLocation": {"artifactLocation": {"uri": quote(path), "uriBaseId": "%SRCROOT%"}, "region": region}}


def _hash(path: str, finding: Finding) -> str:
    """Return what makes the finding the same in the next run: not its line, which moves."""
    edit = next((edit for remedy in finding.remedies for edit in remedy.edits), None)
    line = edit.diff().partition("\n")[0] if edit else ""
    return hashlib.sha256(f"{finding.code}\n{path}\n{line}".encode()).hexdigest()[:16] + ":1"
