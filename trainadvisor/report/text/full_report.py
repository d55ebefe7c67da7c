"""A diagnosis as terminal text: the verdict, causes with their fixes, what was fine, what was not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words
from trainadvisor.report.text import finding_block, healthy, verified
from trainadvisor.report.text.layout import cells, clean
from trainadvisor.report.text.page import Page
from trainadvisor.vocabulary import State

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis, Finding, Unknown

EXPANDED = {"error": 3, "warning": 3}
REMARKS = 2
LIST = 20_000  # characters of a list of codes: all that there are, and rules of one's own
MANY = 20
DECIDING = 2


def render(
    diagnosis: Diagnosis,
    lang: str,
    *,
    width: int = 100,
    color: bool = False,
    verbose: bool = False,
    quiet: bool = False,
) -> str:
    """Return the report; `quiet` leaves only the verdict, `verbose` expands every finding and lists every check."""
    page = Page(Words(lang, epochs=diagnosis.run.get("unit") == "epoch"), width, color=color)
    page.headline(page.words(f"state.{diagnosis.state}"), diagnosis.summary, diagnosis.state)
    if quiet:
        return page.text()
    page.blank()
    if diagnosis.state in ("healthy", "cannot-tell"):
        healthy.add(page, diagnosis)
    _open(page, diagnosis)
    _findings(page, diagnosis, verbose=verbose)
    verified.add(page, diagnosis)
    _checks(page, diagnosis, verbose=verbose)
    for note in diagnosis.notes if verbose else diagnosis.notes[:REMARKS]:
        page.paragraph(page.words("remark", text=note), hang="  ")
    _last_line(page, diagnosis, verbose=verbose)
    _mend(page, diagnosis)
    return page.text()


def _open(page: Page, diagnosis: Diagnosis) -> None:
    """Add what would decide a run that cannot be told, and what else speaks against calling it healthy."""
    if diagnosis.state != "cannot-tell" or not diagnosis.reasons:
        return
    others = [reason.text for reason in diagnosis.reasons[1:]]
    if others:
        page.paragraph(page.words("doubts", text=page.words("semicolon").join(others)), hang="  ")
    steps = list(dict.fromkeys(step for reason in diagnosis.reasons for step in reason.decides))[:DECIDING]
    if steps:
        page.paragraph(page.words("decides", text=page.words("semicolon").join(steps)), hang="  ")
    if others or steps:
        page.blank()


def _findings(page: Page, diagnosis: Diagnosis, *, verbose: bool) -> None:
    shown = diagnosis.findings if verbose else _expanded(diagnosis.findings)
    for item in shown:
        full = verbose or item is shown[0] or item.severity == "error"
        finding_block.add(page, item, full=full, verbose=verbose)
        page.blank()
        _consequences(page, item)
    notes = [item for item in diagnosis.findings if item not in shown and item.severity == "note"]
    rest = [item for item in diagnosis.findings if item not in shown and item not in notes]
    expected = [item for item in notes if item.kind == "expected"]
    _headlines(page, page.words("also"), rest)
    _headlines(page, page.words("expected"), expected)
    others = [item for item in notes if item not in expected]
    _headlines(page, page.words("gain" if diagnosis.state == "healthy" else "notes"), others)


def _expanded(findings: list[Finding]) -> list[Finding]:
    """Choose the findings to expand: the first of each alarming level."""
    shown: list[Finding] = []
    for level, limit in EXPANDED.items():
        shown += [item for item in findings if item.severity == level][:limit]
    return [item for item in findings if item in shown]


def _headlines(page: Page, title: str, findings: list[Finding]) -> None:
    if findings:
        page.paragraph(title)
        for item in findings:
            finding_block.headline(page, item)
        page.blank()


def _consequences(page: Page, item: Finding) -> None:
    names = [_consequence(page, follower) for follower in item.consequences()]
    if names:
        page.paragraph(page.words("explained"))
        page.paragraph(page.words("comma").join(names), indent="  ")
        page.blank()


def _consequence(page: Page, follower: Finding) -> str:
    """Return a code with what places it: its first step, and in Chinese its title."""
    words = page.words
    aside = [follower.title] if words.lang == "zh" and follower.title else []
    if follower.onset is not None:
        aside.append(words("step", step=words.number(follower.onset)))
    return follower.code + (words("aside", text=words("clause").join(aside)) if aside else "")


def _checks(page: Page, diagnosis: Diagnosis, *, verbose: bool) -> None:
    clear, unknown = diagnosis.clear, diagnosis.unknown
    words = page.words
    comma = words("comma")
    if clear:
        hint = "" if verbose else words("clause") + words("lists")
        told = words("clear", count=len(clear)) if verbose else _about(page, len(clear))
        page.paragraph(told + hint)
        if verbose:
            page.paragraph(comma.join(clear), indent="  ", longest=LIST)
    if unknown:
        hint = "" if verbose else words("clause") + words("lists.why")
        page.paragraph(words("unknown", count=len(unknown)) + hint)
        _reasons(page, unknown, verbose=verbose)
    if verbose and diagnosis.inapplicable:
        page.paragraph(words("inapplicable", count=len(diagnosis.inapplicable)))
        _by_kind(page, diagnosis.inapplicable)
    page.blank()


def _about(page: Page, count: int) -> str:
    """Return how many checks were fine, in tens where they are many: a few depend on timing and differ between runs."""
    if count < MANY:
        return page.words("clear", count=count)
    return page.words("clear.about", count=10 * round(count / 10))


def _reasons(page: Page, unknown: list[Unknown], *, verbose: bool) -> None:
    """Add what was not judged, by reason: with -v what each check needs, otherwise only what kind of reason it is."""
    groups: dict[str, list[str]] = {}
    for item in unknown:
        groups.setdefault(_reason(page, item) if verbose else _kind(page, item), []).append(item.code)
    for reason, codes in sorted(groups.items(), key=lambda group: -len(group[1])):
        if verbose:
            text = f"{page.words('comma').join(codes)}{page.words('colon')}{reason}"
        else:
            text = f"{reason}{page.words('colon')}{finding_block.subjects(page, codes)}"
        page.paragraph(text, indent="  ", hang="  ", longest=LIST)


def _by_kind(page: Page, checks: list[Unknown]) -> None:
    """Add the checks of what a training does not have, behind what that is."""
    kinds: dict[str, list[str]] = {}
    for item in checks:
        kinds.setdefault(item.how, []).append(item.code)
    for kind, codes in sorted(kinds.items(), key=lambda group: -len(group[1])):
        text = f"{kind}{page.words('colon')}{page.words('comma').join(codes)}"
        page.paragraph(text, indent="  ", hang="  ", longest=LIST)


def _reason(page: Page, item: Unknown) -> str:
    if not item.missing:
        return item.how
    return page.words("needs.text", text=item.how or page.words("comma").join(item.missing))


def _kind(page: Page, item: Unknown) -> str:
    """Return what keeps a check from being made: something that was not recorded, or what its own words say."""
    return page.words("unrecorded") if item.missing else item.how or page.words("unsuited")


def _mend(page: Page, diagnosis: Diagnosis) -> None:
    """Name the command that shows the change as a diff, where the first finding has one for lines of the script."""
    first = diagnosis.findings[0] if diagnosis.findings else None
    log = clean(diagnosis.run.get("log") or "", 120)
    healthy = diagnosis.state == State.HEALTHY  # whose optional gains are read where they stand
    if log and not healthy and first is not None and any(remedy.edits for remedy in first.remedies):
        page.command(page.words("mend"), f"trainadvisor fix {log}")


def _last_line(page: Page, diagnosis: Diagnosis, *, verbose: bool) -> None:
    words = page.words
    levels: list[str] = [item.severity for item in diagnosis.findings]
    followers = sum(len(list(item.consequences())) for item in diagnosis.findings)
    counts = [words.count("errors", levels.count("error")), words.count("warnings", levels.count("warning"))]
    if levels.count("note"):
        counts.append(words.count("notes.count", levels.count("note")))
    if followers:
        counts.append(words.count("consequences", followers))
    verdict = words("clause").join(counts) + words("end")
    run = healthy.run_line(words, diagnosis.run, verbose=verbose)
    both = f"{verdict}  {run}" if run else verdict
    for line in [both] if cells(both) <= page.width else [verdict, run]:
        page.paragraph(line)
