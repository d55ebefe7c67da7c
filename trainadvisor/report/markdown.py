"""A diagnosis as Markdown, for job summaries and issue threads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainadvisor.language import Words
from trainadvisor.report import healthy
from trainadvisor.report.finding import consequences
from trainadvisor.report.layout import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.diagnose.result import Diagnosis, Finding, Remedy

LONGEST = 60_000  # a comment on GitHub ends at 64 KB
ACTIVE = re.compile(r"([\\`*_\[\]<>|#~&@])")


def render(diagnosis: Diagnosis, lang: str) -> str:
    """Return the report, whole sections left out where it would be too long for a comment."""
    words = Words(lang)
    state = words(f"state.{diagnosis.state}")
    text = f"### {state}{words('colon')}{escape(diagnosis.summary)}\n"
    for section in _sections(words, diagnosis):
        if len(text) + len(section) <= LONGEST:
            text += f"\n{section}\n"
    return text.rstrip("\n")


def escape(text: object) -> str:
    """Return text that Markdown shows as it is."""
    return ACTIVE.sub(r"\\\1", clean(text).replace("\n", " "))


def _sections(words: Words, diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.findings:
        yield _table(words, diagnosis.findings)
    for item in diagnosis.findings:
        if item.severity != "note":
            yield from _finding(words, item)
    yield _checks(words, diagnosis)
    run = healthy.run_line(words, diagnosis.run)
    if run:
        yield f"<sub>{escape(run)}</sub>"


def _table(words: Words, findings: list[Finding]) -> str:
    lines = [f"| | {words('md.finding')} | {words('md.confidence')} |", "|---|---|---|"]
    for item in findings:
        confidence = words(f"confidence.{item.confidence}")
        level = words(f"severity.{item.severity}")
        lines.append(f"| {level} | **{item.code}** {escape(item.sentence or item.title)} | {confidence} |")
    return "\n".join(lines)


def _finding(words: Words, item: Finding) -> Iterator[str]:
    yield f"#### {item.code}{words('colon')}{escape(item.title)}"
    for number, remedy in enumerate(item.remedies[:2]):
        yield _remedy(words, remedy, words("or" if number else "fix"))
    yield "\n".join(_details(words, item))


def _remedy(words: Words, remedy: Remedy, label: str) -> str:
    tag = words("aside", text=words(f"applies.{remedy.applies}"))
    text = f"**{label}**{words('colon')}{escape(remedy.text)}{tag}"
    if not remedy.code:
        return text
    code = remedy.code.rstrip("\n")
    kind = "diff" if code.startswith(("+ ", "- ")) else "python"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
    lines = "\n".join(clean(line) for line in code.split("\n"))
    return f"{text}\n\n{fence}{kind}\n{lines}\n{fence}"


def _details(words: Words, item: Finding) -> Iterator[str]:
    yield f"<details><summary>{words('md.details')}</summary>\n"
    if item.where:
        yield f"- **{words('where')}** {escape(item.where)}"
    for evidence in item.evidence:
        yield f"- **{words('evidence')}** {escape(evidence.text)}"
    if item.cause:
        yield f"- **{words('cause')}** {escape(item.cause)}"
    for other in item.ruled_out:
        yield f"- **{words('ruled-out')}** {other.code}{words('colon')}{escape(other.text)}"
    if item.verify:
        yield f"- **{words('verify')}** {escape(item.verify)}"
    followers = [follower.code for follower in consequences(item)]
    if followers:
        yield f"- {words('explained')} {words('comma').join(followers)}"
    yield "\n</details>"


def _checks(words: Words, diagnosis: Diagnosis) -> str:
    clear, unknown = diagnosis.clear, [item.code for item in diagnosis.unknown]
    comma = words("comma")
    parts = [(words("clear", count=len(clear)), clear), (words("unknown", count=len(unknown)), unknown)]
    boxes = [(title, comma.join(codes)) for title, codes in parts if codes]
    return "\n".join(f"<details><summary>{title}</summary>\n\n{codes}\n\n</details>" for title, codes in boxes)
