"""A preflight in forms that other programs read: JSON, Markdown, JUnit."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from trainadvisor.i18n.language import say
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from trainadvisor.preflight.preflight_result import Preflight

MARKS = {"passed": "✅", "failed": "❌", "not-judged": "➖"}


def as_json(result: Preflight, lang: str) -> str:
    """Return the document of the published schema."""
    del lang
    return result.model_dump_json(indent=1, by_alias=True)


def markdown(result: Preflight, lang: str) -> str:
    """Return a summary for a job's page."""
    title = say("preflight.title", lang, script=result.script)
    head = [say(f"preflight.report.{key}", lang) for key in ("check", "state", "answer")]
    rows = [
        f"| {say(f'preflight.check.{check.name}', lang)} "
        f"| {MARKS[check.state]} {say(f'preflight.state.{check.state}', lang)} "
        f"| {_cell(check.sentence)} |"
        for check in result.checks
    ]
    lines = [f"### {title}", "", f"**{say(f'preflight.outcome.{result.mark}', lang)}**: {_cell(result.summary)}", ""]
    return "\n".join([*lines, f"| {' | '.join(head)} |", "|---|---|---|", *rows])


def _cell(text: str) -> str:
    return clean(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def junit(result: Preflight, lang: str) -> str:
    """Return one test case a check; what was not judged is skipped."""
    states = [check.state for check in result.checks]
    suite = ET.Element(
        "testsuite", name="trainadvisor preflight", tests=str(len(states)), failures=str(states.count("failed")),
        skipped=str(states.count("not-judged")), errors="0", time=str(result.seconds),
    )  # fmt: skip
    for check in result.checks:
        case = ET.SubElement(suite, "testcase", classname="trainadvisor.preflight", name=check.name, time="0")
        if check.state != "passed":
            kind = "failure" if check.state == "failed" else "skipped"
            mark = ET.SubElement(case, kind, message=clean(check.sentence))
            mark.text = clean(", ".join(check.findings) or check.sentence) if kind == "failure" else None
    root = ET.Element("testsuites", name=say("preflight.title", lang, script=result.script))
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


FORMS = {"json": as_json, "markdown": markdown, "junit": junit}
