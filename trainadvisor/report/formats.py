"""Every shape of a diagnosis by name and by file ending, and the module that makes it: the one place for formats."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.report.html.web_page import Material
    from trainadvisor.report.machine.gate_entries import Entry

# each module has render_all(entries, lang, book); it is imported when it is asked for
MODULES = {
    "concise": "text.concise",
    "json": "machine.json_document",
    "jsonl": "machine.json_lines",
    "junit": "machine.junit",
    "sarif": "machine.sarif",
    "github": "machine.github",
    "gitlab": "machine.gitlab",
    "markdown": "machine.markdown",
}
CHECK = ("text", *MODULES)
DIAGNOSE = ("text", "html", *MODULES)
ENDINGS = {
    ".html": "html",
    ".txt": "text",
    ".md": "markdown",
    ".json": "json",
    ".jsonl": "jsonl",
    ".xml": "junit",
    ".sarif": "sarif",
}


def render_all(form: str, entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return several runs in one of `MODULES`."""
    text: str = import_module(f"trainadvisor.report.{MODULES[form]}").render_all(entries, lang, book)
    return text


def render(
    form: str,
    diagnosis: Diagnosis,
    lang: str = "en",
    *,
    entry: Entry | None = None,
    book: Rulebook | None = None,
    material: Material | None = None,
) -> str:
    """Return one run in any of `DIAGNOSE`; `entry` holds what a gate said, `material` what a web page shows besides."""
    if form == "html":
        from trainadvisor.report.html import web_page

        return web_page.render(diagnosis, lang, material)
    if form == "text":
        from trainadvisor.report.text import full_report

        return full_report.render(diagnosis, lang, verbose=True)
    from trainadvisor.report.machine.gate_entries import Entry

    return render_all(form, [entry or Entry(diagnosis)], lang, book)
