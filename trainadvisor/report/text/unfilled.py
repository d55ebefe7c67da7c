"""What a rule says, told without a run: an ellipsis where a run would put a figure or a name."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING

from trainadvisor.i18n.code_comments import told_in
from trainadvisor.i18n.language import texts
from trainadvisor.judge.placeholders import BELOW, CHOICES, OR

if TYPE_CHECKING:
    from trainadvisor.judge.rulebook import Rule

GAP = "…"
CODE_GAP = "..."  # an expression of Python as well
# What most readers have where a name is needed.
USUAL_CODE = {
    "optimizer_class": "AdamW",
    "missing_log": "log_softmax",
    "missing_divergence_log": "log_softmax",
    "missing_output_activation": "softmax",
}
# What a colon or a semicolon parts from the advice itself: reasons and further figures.
CLAUSE = re.compile(r"[:;] |：|；")
SENTENCE = re.compile(r".+?(?:\. (?=[A-Z])|。|$)", re.DOTALL)
CHINESE_SPACE = re.compile(r"(?<=[\u4e00-\u9fff，。：；（）]) (?=[\u4e00-\u9fff])")


def unfilled(template: object, rule: Rule, lang: str) -> str:
    """Return a text with the thresholds of its rule filled in, and a gap in place of what a run tells."""
    text = "".join(
        literal + ("" if name is None else _threshold(rule, name, spec or "") or _gap(name, spec or "", lang))
        for literal, name, spec, _ in Formatter().parse(str(template))
    )
    return CHINESE_SPACE.sub("", text)


def advice(template: object, rule: Rule, lang: str) -> str:
    """Return what to do as it is without a run: what a run tells is left out from its first clause on."""
    sentences: list[str] = SENTENCE.findall(unfilled(template, rule, lang)) or [""]
    first, *more = sentences
    plain, *rest = CLAUSE.split(first, maxsplit=1)
    if rest and GAP in rest[0] and GAP not in plain:
        first = plain + texts(lang)["end"] + (" " if lang == "en" else "")
    return (first + "".join(text for text in more if GAP not in text)).strip()


def unfilled_code(template: object, rule: Rule, lang: str) -> str:
    """Return a snippet that Python still reads: an ellipsis for a figure, capitals for a name."""
    code = "".join(
        literal + ("" if name is None else _threshold(rule, name, spec or "") or _code(name, spec or ""))
        for literal, name, spec, _ in Formatter().parse(str(template))
    )
    return told_in(code, lang)


def _threshold(rule: Rule, name: str, spec: str) -> str:
    value = rule.thresholds.get(name)
    return "" if value is None else f"{value:.0%}" if "%" in spec else f"{value:g}"


def _gap(name: str, spec: str, lang: str) -> str:
    words = texts(lang)
    if f"unfilled.{name}" in words:
        return words[f"unfilled.{name}"]
    if spec == BELOW:
        return words["unfilled.below"]
    if spec.count(OR) == CHOICES:
        return " / ".join(spec.split(OR)[1:]).replace("#", GAP)
    if not spec and name in USUAL_CODE:
        return USUAL_CODE[name]
    return f"{GAP} %" if "%" in spec else GAP


def _code(name: str, spec: str) -> str:
    return USUAL_CODE.get(name) or (CODE_GAP if spec else name.upper())
