"""What a rule says, told without a run: general words where a run would put a figure or a name.

The words stand in `i18n/unfilled.toml`. What has none there is left out with its clause,
and so is each aside that a run fills.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING

from trainadvisor.i18n.code_comments import COMMENT, told_in
from trainadvisor.i18n.general_words import USUAL_CODE, general_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.judge.rulebook import Rule

GAP = "\1"  # what only a run can tell
OWN = "\0"  # stands before what a run would tell
SHOWN = "…"  # a gap that is left
CODE_GAP = "..."  # an expression of Python as well
# Not the arguments of a call, and not a part of an expression.
ASIDE = re.compile(r"\s\([^()]*\)(?!\.?\w)|（[^（）]*）")
SENTENCE = re.compile(r".+?(?:\.\s+(?=[A-Z\0])|。|$)", re.DOTALL)
CLAUSE = re.compile(r"([:;] |：|；)(?![^(（]*[)）])")
STOP = re.compile("; |；")
PART = re.compile(r"(, |，)(?![^(（]*[)）])")
# How a part begins that is no sentence without what follows it.
OPENING = re.compile(
    r"(?:After|At|Before|If|In|Over|Under|When|While|With)\b|(?:在|如果|若|当|使用|自|经过|以|第|把|对|相比|尽管)",
    re.IGNORECASE,
)
# What is told of a change besides its direction: from what and to what.
FIGURE = f"(?:{GAP}|{OWN}[KMN])"
CHANGE = {
    "en": (
        (rf"(?: from {FIGURE})? to {GAP}(?! times)| from {FIGURE}(?= to)", ""),
        (rf"\b([Cc]lip|Clipping|norm|gradients) at {GAP}", r"\1"),
    ),
    "zh": (
        (rf"从 {FIGURE} ", ""),
        (rf"降到 {GAP}(?! 倍)", "降低"),
        (rf"(提高|裁剪|减半|升高|加倍)到 {GAP}(?! 倍)", r"\1"),
        ("把([^，。；：把]+?) ?(降低|提高|裁剪)(?=[，。；：])", r"\2\1"),
    ),
}
CHINESE = "[\u4e00-\u9fff]"
CHINESE_SPACE = re.compile(rf"(?<={CHINESE}|[，。：；（）]) (?={CHINESE})| (?=[，。：；])")
SPACES = re.compile(r" {2,}")


def unfilled(template: object, rule: Rule, lang: str) -> str:
    """Return a text with the thresholds of its rule and general words, without what only a run can tell."""
    return _general(_filled(str(template), rule, lang))


def explanation(rule: Rule, lang: str) -> str:
    """Return the documentation of a rule, whose paragraphs stay as they are."""
    return _filled(rule.text("doc", lang), rule, lang).replace(OWN, "").replace(GAP, SHOWN)


def advice(template: object, rule: Rule, lang: str) -> str:
    """Return what to do as it is without a run: which way to change what, where the run would say how far."""
    told = _filled(str(template), rule, lang).replace(OWN + GAP, GAP)
    for phrase, plain in CHANGE[lang]:
        told = re.sub(phrase, plain, told)
    return _general(told)


def unfilled_code(template: object, rule: Rule, lang: str) -> str:
    """Return a snippet that Python still reads: an ellipsis for a figure, capitals for a name."""
    return "\n".join(_line(line, rule, lang) for line in str(template).split("\n"))


def _line(line: str, rule: Rule, lang: str) -> str:
    """Return a line of a snippet; of its comment what is known without a run."""
    comment = COMMENT.search(line)
    if comment is None:
        return _filled_code(line, rule)
    told = re.sub(rf"(?<=was ){OWN}N\b", GAP, _filled(comment[0], rule, lang)).replace(OWN, "")
    about = CHINESE_SPACE.sub("", _without_gaps(told_in(told, lang)))
    return (_filled_code(line[: comment.start()], rule) + about).rstrip()


def _general(told: str) -> str:
    told = ASIDE.sub(_known_aside, told)
    first, *more = map(_capital, SENTENCE.findall(told) or [""])
    told = (_without_gaps(first) or first) + "".join(map(_without_loose_end, more))
    return CHINESE_SPACE.sub("", SPACES.sub(" ", told.replace(OWN, "").replace(GAP, SHOWN))).strip()


def _known_aside(aside: re.Match[str]) -> str:
    if OWN in aside[0] or GAP in aside[0]:
        return " " if aside[0].startswith("（") else ""
    return aside[0]


def _capital(sentence: str) -> str:
    """Return a sentence whose first words are general ones with a capital; a name of code stays as it is."""
    if re.search(CHINESE, sentence):
        return sentence
    return re.sub(rf"^{OWN}[a-z]+(?= )", lambda found: found[0].title(), sentence)


def _without_loose_end(sentence: str) -> str:
    """Return a sentence up to a semicolon before its first gap; nothing where there is none."""
    return "" if GAP in STOP.split(sentence)[0] else _without_gaps(sentence)


def _without_gaps(sentence: str) -> str:
    """Return a sentence up to its first gap and what is known of its later clauses; nothing if it begins with one."""
    if GAP not in sentence:
        return sentence
    main, *more = CLAUSE.split(sentence)
    kept = _before_gap(main)
    if not kept:
        return ""
    later = ((mark, _before_gap(clause)) for mark, clause in zip(more[::2], more[1::2], strict=True))
    kept += "".join(mark + clause for mark, clause in later if clause)
    stripped = sentence.rstrip()
    return kept.rstrip(" .。") + (stripped[-1] if stripped[-1] in ".。" else "") + sentence[len(stripped) :]


def _before_gap(clause: str) -> str:
    """Return a clause up to the comma before its first gap; nothing of one that begins with a gap or needs the rest."""
    if GAP not in clause:
        return clause
    parts = PART.split(clause)
    known = next(place - 1 for place, part in enumerate(parts) if GAP in part)
    kept = "".join(parts[: max(known, 0)])
    return "" if OPENING.match(kept) else kept


def _filled(template: str, rule: Rule, lang: str) -> str:
    def word(name: str, spec: str) -> str:
        known = general_word(rule.code, name, spec, lang)
        return OWN + (GAP if known is None else known)

    return _with(template, rule, word)


def _filled_code(template: str, rule: Rule) -> str:
    return _with(template, rule, lambda name, spec: USUAL_CODE.get(name) or (CODE_GAP if spec else name.upper()))


def _with(template: str, rule: Rule, word: Callable[[str, str], str]) -> str:
    """Return a template with the thresholds of its rule, and a word for every other name."""
    return "".join(
        literal + ("" if name is None else _threshold(rule, name, spec or "") or word(name, spec or ""))
        for literal, name, spec, _ in Formatter().parse(template)
    )


def _threshold(rule: Rule, name: str, spec: str) -> str:
    value = rule.thresholds.get(name)
    return "" if value is None else f"{value:.0%}" if "%" in spec else f"{value:g}"
