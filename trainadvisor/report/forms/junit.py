"""Diagnoses as JUnit XML: a suite a run, a test case a rule; what was not checked is skipped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from trainadvisor.characters import HIDDEN, TURNING
from trainadvisor.i18n.language import Words
from trainadvisor.report.machine.gate_entries import Entry, families
from trainadvisor.report.text import finding_block as pages
from trainadvisor.report.text.layout import clean
from trainadvisor.report.text.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.judge.rulebook import Rulebook

ENDING = ".xml"

LONGEST = 20_000  # GitLab refuses large text nodes
# what XML cannot hold, and what does not show what it does
FORBIDDEN = re.compile(f"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[{TURNING}{HIDDEN}]")


def render(diagnosis: Diagnosis, lang: str = "en", book: Rulebook | None = None) -> str:
    """Return the document of one run without a gate: every warning and error fails."""
    return render_all([Entry(diagnosis)], lang, book)


def render_all(entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return the document of several runs."""
    book = book or _shipped()
    suites = [_Suite(entry, Words(lang), book) for entry in entries]
    total = sum(len(suite.cases) for suite in suites)
    failed = sum(suite.failures for suite in suites)
    head = f'<testsuites name="trainadvisor" tests="{total}" failures="{failed}" errors="0">'
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', head, *(str(suite) for suite in suites), "</testsuites>"]
    )


def _shipped() -> Rulebook:
    from trainadvisor.judge.rule_loading import load

    return load()


class _Suite:
    """One run: its cases by code, each as XML."""

    def __init__(self, entry: Entry, words: Words, book: Rulebook) -> None:
        self._entry, self._words = entry, words
        self._families = families(book, entry.diagnosis)
        self.failures = self.skipped = 0
        self.cases = dict(self._all())

    def __str__(self) -> str:
        name = f"trainadvisor {self._entry.name}"
        counts = f'tests="{len(self.cases)}" failures="{self.failures}" errors="0" skipped="{self.skipped}"'
        created = self._entry.diagnosis.run.get("created")
        stamp = f" timestamp={_attribute(str(created)[:19])}" if created else ""
        lines = [
            f'  <testsuite name={_attribute(name)} {counts} time="0"{stamp}>',
            *self.cases.values(),
            "  </testsuite>",
        ]
        return "\n".join(lines)

    def _all(self) -> Iterator[tuple[str, str]]:
        """Yield code and case; a later one of the same code wins, so the failing come last."""
        for unknown in self._entry.diagnosis.unknown:
            self.skipped += 1
            yield unknown.code, self._case(unknown.code, self._skipped(unknown.how))
        for code in self._entry.diagnosis.clear:
            yield code, self._case(code, "")
        yield from self._found()
        for name, sentence, holds in self._entry.required:
            yield name, self._case(name, self._requirement(sentence, holds=holds), "require")

    def _requirement(self, sentence: str, *, holds: bool | None) -> str:
        if holds is None:
            self.skipped += 1
            return self._skipped(sentence)
        if holds:
            return ""
        self.failures += 1
        return f'<failure message={_attribute(sentence)} type="require">{_content(sentence)}</failure>'

    def _found(self) -> Iterator[tuple[str, str]]:
        seen: set[str] = set()
        for finding, root in sorted(self._entry.findings(), key=lambda pair: not self._fails(*pair)):
            if finding.code not in seen:
                seen.add(finding.code)
                yield finding.code, self._case(finding.code, self._body(finding, root))

    def _fails(self, finding: Finding, root: Finding | None) -> bool:
        alone = root is None or self._entry.fails is not None
        return alone and self._entry.failing(finding)

    def _body(self, finding: Finding, root: Finding | None) -> str:
        if self._fails(finding, root):
            self.failures += 1
            head = _attribute(clean(f"{finding.title} {finding.sentence}".strip(), 1000))
            return (
                f"<failure message={head} type={_attribute(finding.severity)}>{_content(self._text(finding))}</failure>"
            )
        if root is not None:
            self.skipped += 1
            return self._skipped(self._words("excused.consequence", code=root.code))
        why = self._entry.excused.get(finding.code) or self._words("excused.below")
        return f"<system-out>{_content(why)}\n{_content(self._text(finding))}</system-out>"

    def _text(self, finding: Finding) -> str:
        page = Page(self._words, 100)
        pages.add(page, finding, full=True)
        return page.text()[:LONGEST]

    def _skipped(self, how: str) -> str:
        return f"<skipped message={_attribute(clean(how) or self._words('excused.off'))}/>"

    def _case(self, code: str, body: str, family: str | None = None) -> str:
        family = family or self._families.get(code, "rules")
        head = f'    <testcase classname={_attribute(f"trainadvisor.{family}")} name={_attribute(code)} time="0"'
        return f"{head}>{body}</testcase>" if body else f"{head}/>"


def _attribute(value: str) -> str:
    return quoteattr(FORBIDDEN.sub("\ufffd", value), {"\n": "&#10;"})


def _content(value: str) -> str:
    return escape(FORBIDDEN.sub("\ufffd", value))
