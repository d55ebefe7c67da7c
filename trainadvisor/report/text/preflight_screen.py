"""A preflight as terminal text: the verdict, one line a check, and what fails with its fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words, say
from trainadvisor.report.text import finding_block
from trainadvisor.report.text.layout import cells, clean, pad, wrap
from trainadvisor.report.text.page import Page

if TYPE_CHECKING:
    from trainadvisor.judge.result import Finding
    from trainadvisor.preflight.preflight_result import Check, Preflight

STYLES = {"pass": "healthy", "fail": "broken", "undecided": "cannot-tell"}
MOST_FINDINGS = 3


def render(result: Preflight, lang: str, *, fail_on: str, code: int, width: int = 100, color: bool = False) -> str:
    """Return the page; `code` is what the command exits with."""
    page = Page(Words(lang), width, color=color)
    mark = say(f"preflight.outcome.{result.mark}", lang)
    page.headline(mark, result.summary, STYLES[result.outcome])
    page.blank()
    _table(page, result.checks, lang)
    page.blank()
    for item in shown(result):
        finding_block.add(page, item, full=item.severity == "error")
        page.blank()
    for note in result.notes:
        page.paragraph(page.words("remark", text=note), hang="  ")
    page.paragraph(_last(result, lang, fail_on, code))
    return page.text()


def shown(result: Preflight) -> list[Finding]:
    """Return the findings behind the failed checks, the first ones in full."""
    failed = {code for check in result.checks if check.state == "failed" for code in check.findings}
    roots = result.diagnosis.findings if result.diagnosis is not None else []
    behind = [root for root in roots if failed & {root.code, *(item.code for item in root.consequences())}]
    return behind[:MOST_FINDINGS]


def _table(page: Page, checks: list[Check], lang: str) -> None:
    names = [say(f"preflight.check.{check.name}", lang) for check in checks]
    states = [_state(check, lang) for check in checks]
    left, right = (max(map(cells, column)) for column in (states, names))
    for check, state, name in zip(checks, states, names, strict=True):
        head = f"{pad(state, left)}  {pad(name, right)}  "
        text = check.sentence
        if check.findings:
            text += page.words("aside", text=page.words("comma").join(check.findings))
        first, *rest = wrap(clean(text), page.width - 2 - cells(head))
        page.paragraph(head + first, indent="  ")
        page.restyle(f"  {state}", _style(check))
        for line in rest:
            page.paragraph(line, indent="  " + " " * cells(head))


def _state(check: Check, lang: str) -> str:
    word = say(f"preflight.state.{check.state}", lang)
    return word if check.state != "failed" else Words(lang)(f"severity.{check.severity or 'error'}")


def _style(check: Check) -> str:
    if check.state == "failed":
        return check.severity or "error"
    return "healthy" if check.state == "passed" else "label"


def _last(result: Preflight, lang: str, fail_on: str, code: int) -> str:
    states = [check.state for check in result.checks]
    level = say(f"gate.level.{fail_on}", lang) if fail_on != "never" else ""
    gate = say("preflight.gate", lang, level=level) if level else say("gate.line.never", lang)
    return say(
        "preflight.last", lang, passed=states.count("passed"), failed=states.count("failed"),
        open=states.count("not-judged"), seconds=result.seconds, budget=result.budget, gate=gate, code=code,
    )  # fmt: skip
