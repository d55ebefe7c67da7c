"""A diagnosis as Markdown, for job summaries and issue threads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words
from trainadvisor.report.machine.gate_entries import Entry
from trainadvisor.report.text import excerpt, healthy, verified
from trainadvisor.report.text.layout import clean
from trainadvisor.report.text.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding, Remedy
    from trainadvisor.judge.rulebook import Rulebook

ENDING = ".md"

# Columns of the lines of code.
WIDTH = 100
LONGEST = 60_000  # a comment on GitHub ends at 64 KB, a job summary at 1 MiB
ACTIVE = re.compile(r"([\\`*_\[\]<>|#~&@$])")
LINKED = re.compile(r"(?P<head>\b(?:www|GH))(?=[.-])|(?=://)|(?P<mark>[@#!$%~^&])(?=\w)", re.IGNORECASE)
# Stands where a space without width goes: addresses, mentions and numbers of issues are linked even when escaped.
APART = "\0"


def render(diagnosis: Diagnosis, lang: str = "en", book: Rulebook | None = None) -> str:
    """Return the report, whole sections left out where it would be too long for a comment."""
    return render_all([Entry(diagnosis)], lang, book)


def render_all(entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return the report of several runs; each verdict stays, sections are left out at the end."""
    del book
    words = Words(lang)
    heads = [_verdict(words, entry, several=len(entries) > 1) for entry in entries]
    room = LONGEST - sum(len(head.encode()) for head in heads) - 200
    parts, left_out = [], 0
    for head, entry in zip(heads, entries, strict=True):
        parts.append(head)
        for section in _sections(words, entry):
            room -= len(section.encode()) + 2
            left_out += room < 0
            parts += [section] if room >= 0 else []
    if left_out:
        parts.append(f"*{words('left-out', count=left_out)}*")
    return "\n\n".join(parts)


def _verdict(words: Words, entry: Entry, *, several: bool) -> str:
    state = words(f"state.{entry.diagnosis.state}")
    name = f"{escape(entry.name)}{words('colon')}" if several else ""
    return f"### {name}{state}{words('colon')}{escape(entry.diagnosis.summary)}"


def escape(text: object) -> str:
    """Return text that Markdown shows as it is."""
    apart = LINKED.sub(lambda match: match.group() + APART, clean(text).replace("\n", " "))
    return ACTIVE.sub(r"\\\1", apart).replace(APART, "&#8203;")


def _sections(words: Words, entry: Entry) -> Iterator[str]:
    diagnosis = entry.diagnosis
    told = entry.told()
    if told:
        yield _table(words, entry, told)
    if entry.required:
        yield "\n".join(
            f"- {words('gate.require')} {escape(sentence)}{_mark(words, holds)}"
            for _, sentence, holds in entry.required
        )
    for item in told:
        if item.severity != "note":
            yield "\n\n".join(_finding(words, item))
    if section := verified.markdown(diagnosis, words, escape):
        yield section
    if curve := sparkline([loss for _, loss in diagnosis.run.get("loss_curve", [])]):
        yield f"{words('healthy.loss')} `{curve}`"
    if checks := _checks(words, diagnosis):
        yield checks
    run = healthy.run_line(words, diagnosis.run)
    if run:
        yield f"<sub>{escape(run)}</sub>"


def _mark(words: Words, holds: bool | None) -> str:  # noqa: FBT001 - three values
    return words("aside", text=words({True: "gate.pass", False: "gate.fail", None: "gate.undecided"}[holds]))


def _table(words: Words, entry: Entry, findings: list[Finding]) -> str:
    lines = [f"| | {words('md.finding')} | {words('md.confidence')} |", "|---|---|---|"]
    for item in findings:
        confidence = words(f"confidence.{item.confidence}")
        level = words(f"severity.{item.severity}")
        excuse = entry.excused.get(item.code, "")
        aside = escape(words("aside", text=excuse)) if excuse else ""
        lines.append(f"| {level} | **{item.code}** {escape(item.sentence or item.title)}{aside} | {confidence} |")
    return "\n".join(lines)


def _finding(words: Words, item: Finding) -> Iterator[str]:
    yield f"#### {item.code}{words('colon')}{escape(item.title)}"
    if lines := excerpt.shown(item, WIDTH):
        yield f"{escape(item.where or '')}\n\n{_fenced(lines, 'text')}"
    for number, remedy in enumerate(remedies := item.remedies[:2]):
        yield _remedy(words, remedy, words("or" if number else "first" if len(remedies) > 1 else "fix"))
    yield "\n".join(_details(words, item))


def _remedy(words: Words, remedy: Remedy, label: str) -> str:
    tag = words("aside", text=words(f"applies.{remedy.applies}"))
    text = f"**{label}**{words('colon')}{escape(remedy.text)}{tag}"
    if not remedy.code:
        return text
    code = remedy.code.rstrip("\n")
    kind = "diff" if remedy.edits else "python"
    return f"{text}\n\n{_fenced([clean(line) for line in code.split(chr(10))], kind)}"


def _fenced(lines: list[str], kind: str) -> str:
    """Return lines as a block of code."""
    code = "\n".join(lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
    return f"{fence}{kind}\n{code}\n{fence}"


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
    followers = [follower.code for follower in item.consequences()]
    if followers:
        yield f"- {words('explained')} {words('comma').join(followers)}"
    yield "\n</details>"


def _checks(words: Words, diagnosis: Diagnosis) -> str:
    clear, unknown = diagnosis.clear, [item.code for item in diagnosis.unknown]
    comma = words("comma")
    parts = [(words("clear", count=len(clear)), clear), (words("unknown", count=len(unknown)), unknown)]
    boxes = [(title, comma.join(codes)) for title, codes in parts if codes]
    return "\n".join(f"<details><summary>{title}</summary>\n\n{codes}\n\n</details>" for title, codes in boxes)
