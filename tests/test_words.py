"""Words that users are not to meet, over the texts of rules, answers and the interface in both languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
# What others ask stands there as they write it.
RULES = sorted(path for path in (ROOT / "rules").rglob("*.toml") if path.parent.name != "questions")
FILES = [*RULES, *sorted((ROOT / "trainadvisor" / "i18n").glob("*.toml"))]
BANNED = {
    "our own terms": r"\bskill\b|\bsound (run|training|net|model)s?\b|技能值|技能分|平凡(预测|损失)"
    r"|\btrivial (loss|predictor|answer)\b|\bconstant answer\b|\bnoises\b|常数答案|记录记录器|记录在记录器",
    "translations word by word": r"批太小|最早的非有限值|缩小[了到为]? ?(\{[^}]*\}|[N\d.]+) ?倍|宁可不答",
    "two words for you": r"您",
    "British spelling": r"\w*(colour|behaviour|neighbour|favour|learnt|artefact|labelled|travelled|cancelled)\w*"
    r"|\b\w*(initial|standard|normal|memor|general|regular|optim|synchron|recogn|minim|maxim|util)is(e|ed|es|ing|ation)\b",
}
# Shares of the loss of a constant answer that are positive wherever they are told.
NEVER_NEGATIVE = {"memorised_skill", "skill_gap_best"}
SHARES = re.compile(r"\{(\w*skill\w*):[^}]*%\}")
# Codes stay as they are once reports have named them.
CODES = re.compile(r"\{memorised\w*[^}]*\}|\{\w*skill\w*[^}]*\}")
NOT_TOLD = frozenset({"cases", "crash", "when", "unless", "thresholds", "values", "signals", "explains"})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield CODES.sub("", value)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key not in NOT_TOLD and not key.startswith("verify.metric."):  # names that stand in the JSON
                yield from _texts(part)


@pytest.mark.parametrize("what", BANNED)
def test_no_text_has_a_banned_word(what: str) -> None:
    """Named by file and text where one does."""
    banned = re.compile(BANNED[what], re.IGNORECASE)
    found = [
        (path.name, text)
        for path in FILES
        for text in _texts(tomllib.loads(path.read_text(encoding="utf-8")))
        if banned.search(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "what"),
    [("skill 0.3", "our own terms"), ("技能值 0.3", "our own terms"),
     ("below a constant answer", "our own terms"), ("批太小", "translations word by word"),
     ("信号缩小 3 倍", "translations word by word"), ("缩小 {ratio:.2g} 倍", "translations word by word"),
     ("缩小了 1.5 倍", "translations word by word"),
     ("请您检查", "two words for you"),
     ("Normalise the inputs", "British spelling"), ("a noisy colour", "British spelling")],
)  # fmt: skip
def test_the_banned_words_are_seen(text: str, what: str) -> None:
    """Each in a sentence of its own; names of figures in braces are no words."""
    banned = re.compile(BANNED[what], re.IGNORECASE)
    assert any(banned.search(part) for part in _texts({"en": {"finding": [text]}}))
    assert not any(banned.search(part) for part in _texts({"en": "cut by {skill:.0%}", "cases": text}))


TERMS_IN_REASONS = re.compile(
    r"\bsound (run|training|net|model)s?\b|\btrivial (loss|predictor|answer)\b|\bconstant answer\b|their own size"
    r"|\btravel|走过的路程|常数答案",
    re.IGNORECASE,
)


def test_the_reasons_of_thresholds_have_no_terms_of_our_own() -> None:
    """They are read in `explain -v` and on the pages of codes, in both languages."""
    told = [
        (path.name, entry["because"])
        for path in RULES
        for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("thresholds", {}).values()
    ]
    chinese = tomllib.loads((ROOT / "trainadvisor" / "i18n" / "reasons.zh.toml").read_text(encoding="utf-8"))
    told += [(code, text) for code, texts in chinese.items() for text in texts.values()]
    assert [(name, text) for name, text in told if TERMS_IN_REASONS.search(text)] == []
    assert TERMS_IN_REASONS.search("weights travel 1.05 times their own size")
    assert not TERMS_IN_REASONS.search("weights move by 105 % of their size")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_loss_is_cut_by_less_than_nothing(path: Path) -> None:
    """What may end above the loss of a constant answer is told by {name:below}, which has words for either side."""
    told = list(_told(tomllib.loads(path.read_text(encoding="utf-8"))))
    assert [text for text in told for name in SHARES.findall(text) if name not in NEVER_NEGATIVE] == []


def _told(value: Any) -> Iterator[str]:
    """Yield the texts with their placeholders."""
    if isinstance(value, str):
        yield value
    else:
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from _told(part)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_no_remedy_begins_as_an_alternative(path: Path) -> None:
    """Which one is the first depends on the run, and the report puts "or" before each further one."""
    remedies = tomllib.loads(path.read_text(encoding="utf-8")).get("remedies", [])
    texts = [entry.get(lang, "") for entry in remedies if isinstance(entry, dict) for lang in ("en", "zh")]
    assert [text for text in texts if re.match(r"Or,? |或者", text)] == []
