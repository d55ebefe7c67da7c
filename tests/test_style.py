"""The words of docs/style.md, over every text that a user may read."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainadvisor.i18n.language import texts
from trainadvisor.judge.placeholders import fill

ROOT = Path(__file__).parents[1]
BANNED = {
    "en": r"\bskill\b|\bsound runs?\b|\btravell?ed\b|trivial loss removed|like for like|no action of their own",
    "zh": r"技能[值分]|skill(?![_}:])|批太小|最早的非有限|缩小 \{\w+\} 倍|增大 \{\w+\} 倍|宁可不答|平凡损失",
}


def _told(rule: Any, lang: str, key: str = "") -> Iterator[str]:
    """Yield the texts of a rule file in one language: those below a table or a key of its name."""
    if isinstance(rule, dict):
        for name, entry in rule.items():
            if name not in {"doc", "search", "cases"}:
                yield from _told(entry, lang, lang if lang in {key, name} else name)
    elif isinstance(rule, list):
        for entry in rule:
            yield from _told(entry, lang, key)
    elif isinstance(rule, str) and key == lang:
        yield re.sub(r"\{[^{}]*\}", lambda name: "{n}" if " " not in name[0] else name[0], rule)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_text_uses_a_banned_word(lang: str) -> None:
    """Neither a rule nor the interface speaks in private terms."""
    files = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in ROOT.glob("rules/*/*.toml")}
    told = [(code, text) for code, rule in files.items() for text in _told(rule, lang)]
    assert len(told) > 1000
    told += list(texts(lang).items())
    assert [(key, text) for key, text in told if re.search(BANNED[lang], text)] == []


def test_the_gain_over_a_constant_answer_is_told_in_words() -> None:
    """The format `gain` gives a percentage, and says so where there is none."""
    template = "now {skill:gain}"
    assert fill(template, {"skill": 0.124}.get)[0] == "now 12 % better than always giving the same answer"
    assert fill(template, {"skill": -0.3}.get)[0] == "now no better than always giving the same answer"
    assert fill("{skill:gain}", {"skill": 0.5}.get, "zh")[0] == "比始终给出同一答案好 50 %"
