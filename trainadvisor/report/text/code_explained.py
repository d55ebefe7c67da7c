"""What a code means, as a page: read from its rule, so that the page and the judgement cannot disagree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from trainadvisor.i18n.language import Words
from trainadvisor.i18n.told_reasons import told_in
from trainadvisor.judge.pasting import applied_as
from trainadvisor.report.text.layout import cells, spread
from trainadvisor.report.text.page import Page
from trainadvisor.report.text.unfilled import advice, explanation, unfilled, unfilled_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainadvisor.judge.branches import Branch
    from trainadvisor.judge.rulebook import Rule, Rulebook

COLUMN = {"en": 20, "zh": 14}
# Causes of a symptom that are listed, the likeliest first.
CAUSES = 12
# "What it means: ..." at the start of a line of the rule's documentation
HEADING = re.compile(r"(?P<label>[A-Z][a-z]+(?: [a-z]+){0,3}|[\u4e00-\u9fff]{2,8})(?:: |：)\s*(?P<text>\S.*)")


def render(
    book: Rulebook,
    rule: Rule,
    lang: str,
    *,
    width: int = 100,
    color: bool = False,
    demo: bool = False,
    verbose: bool = False,
) -> str:
    """Return the page of one rule, what to do first; `demo` says whether there is one to point to."""
    words = Words(lang)
    page = Page(words, width, color=color, column=COLUMN[lang])
    _head(page, book, rule)
    _fixes(page, rule)
    _documentation(page, explanation(rule, lang))
    if verbose:
        _thresholds(page, rule)
    _branches(page, rule)
    _neighbors(page, book, rule, verbose=verbose)
    _rows(page, rule)
    if demo:
        page.row(words("see"), f"trainadvisor demo {rule.code}")
    return page.text()


def _head(page: Page, book: Rulebook, rule: Rule) -> None:
    words = page.words
    group = words("group", family=book.family_name(rule.family, words.lang))
    right = f"{group}   {words('default-level', severity=words(f'severity.{rule.severity}'))}"
    page.paragraph(spread(rule.code, right, page.width) or f"{rule.code}\n{right}")
    page.paragraph(rule.title(words.lang))
    page.blank()


def _documentation(page: Page, doc: str) -> None:
    """Add the rule's documentation: its headings become labels."""
    for block in blocks(doc):
        heading = HEADING.match(block)
        if heading and cells(heading["label"]) < page.column:
            page.row(heading["label"], heading["text"], longest=len(doc))
        else:
            page.row("", block, longest=len(doc))


def blocks(doc: str) -> list[str]:
    """Join the lines of a paragraph; a heading starts a paragraph of its own."""
    blocks: list[str] = []
    for line in map(str.strip, [*doc.strip().splitlines(), ""]):
        if not line or HEADING.match(line) or not blocks:
            blocks.append(line)
        else:
            glue = " " if blocks[-1][-1:].isascii() or line[:1].isascii() else ""
            blocks[-1] += glue + line if blocks[-1] else line
    return [block for block in blocks if block]


def _thresholds(page: Page, rule: Rule) -> None:
    label = page.words("thresholds")
    for name, value in rule.thresholds.items():
        because = told_in(page.words.lang, rule.code, name, rule.reasons.get(name, ""))
        page.row(label, page.words("because", name=name, value=f"{value:g}", because=because))
        label = ""


def _branches(page: Page, rule: Rule) -> None:
    """Add what is said in each branch of a rule, under the name that the JSON gives it."""
    label = page.words("branches")
    for variant in rule.variants if rule.branches else ():
        text = unfilled(variant.text("finding", page.words.lang), rule, page.words.lang)
        page.row(label, page.words("branch", name=variant.branch, text=text))
        label = ""


def _neighbors(page: Page, book: Rulebook, rule: Rule, *, verbose: bool) -> None:
    words = page.words
    causes = sorted(
        (other for other in book.rules.values() if rule.code in other.explains),
        key=lambda other: -other.explains[rule.code],
    )
    shown = causes if verbose else causes[:CAUSES]
    _numbered(page, words("causes"), [f"{other.title(words.lang)} -> {other.code}" for other in shown])
    if len(shown) < len(causes):
        page.row("", words("and-more", count=len(causes) - len(shown)))
    if rule.explains:
        ordered = sorted(rule.explains, key=lambda code: -rule.explains[code])
        page.row(words("leads-to"), words("comma").join(ordered))


def _numbered(page: Page, label: str, texts: list[str]) -> None:
    for number, text in enumerate(texts, 1):
        page.row(label if number == 1 else "", f"{number} {text}")


def _fixes(page: Page, rule: Rule) -> None:
    words = page.words
    for number, remedy in enumerate(rule.all_remedies, 1):
        text = advice(remedy.get(words.lang, ""), rule, words.lang)
        if (case := case_of(rule, remedy)) is not None:
            text += words("aside", text=words("fix.case", name=case))
        code = unfilled_code(remedy.get("code", ""), rule, words.lang)
        page.row(
            words("fixes") if number == 1 else "",
            f"{number} {text}",
            words(f"applies.{applied_as(remedy['applies'], code)}"),
        )
        if code:
            page.code(code)


def case_of(rule: Rule, remedy: Mapping[str, Any]) -> str | None:
    """Return the branch whose own a remedy is, None of one for every case."""
    return next((branch.name for branch in rule.branches if any(remedy is own for own in branch.remedies)), None)


def _rows(page: Page, rule: Rule) -> None:
    words = page.words
    page.row(words("verification"), unfilled(rule.text("verify", words.lang), rule, words.lang))
    for number, other in enumerate(rule.lookalikes):
        label = words("lookalikes") if number == 0 else ""
        page.row(label, f"{other['code']}{words('aside', text=unfilled(other.get(words.lang, ''), rule, words.lang))}")
    if rule.falsepositives and words.lang == "en":
        page.row(words("false-positives"), rule.falsepositives)
    page.row(words("silence"), f'pyproject.toml: [tool.trainadvisor.off] {rule.code} = "{words("reason")}"')


def document(book: Rulebook, rule: Rule) -> dict[str, Any]:
    """Return what the page says as a JSON document."""
    fields = (
        "code", "family", "kind", "severity", "evidence", "phase", "measured_by", "scope", "preview", "falsepositives",
    )  # fmt: skip
    causes = {other.code: other.explains[rule.code] for other in book.rules.values() if rule.code in other.explains}
    reasons = {name: {"value": value, "because": rule.reasons.get(name, "")} for name, value in rule.thresholds.items()}
    return {field: getattr(rule, field) for field in fields} | {
        "when": list(rule.when),
        "unless": list(rule.unless),
        "branches": [_branch(branch) for branch in rule.branches],
        "thresholds": reasons,
        "explains": dict(rule.explains),
        "explained_by": causes,
        "lookalikes": [dict(other) for other in rule.lookalikes],
        "rivals": [dict(other) for other in rule.rivals],
        "remedies": [dict(remedy) for remedy in rule.remedies],
        "texts": {lang: dict(texts) for lang, texts in rule.texts.items()},
    }


def _branch(branch: Branch) -> dict[str, Any]:
    remedies = [dict(remedy) for remedy in branch.remedies]
    texts = {lang: dict(texts) for lang, texts in branch.texts.items()}
    conditions = {"when": list(branch.when), "unless": list(branch.unless)}
    return {"name": branch.name, **conditions, "texts": texts, "remedies": remedies}
