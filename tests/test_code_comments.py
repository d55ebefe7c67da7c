"""Comments in the snippets of rules, in the language of the report."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from trainadvisor.i18n.code_comments import chinese, told_in

RULES = sorted((Path(__file__).parents[1] / "rules").rglob("*.toml"))
COMMENT = re.compile(r"(?:^|\s)#\s+(\S.*)$", re.MULTILINE)
WORDLESS = "0 ... K-1"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("lr=0.1   # was 0.5", "lr=0.1   # 原为 0.5"),
        ("n = 50   # 5 % of 1,000 steps", "n = 50   # 1,000 步的 5 %"),
        ("x = 1   # what nobody has translated", "x = 1   # what nobody has translated"),
        ("print('a#b')", "print('a#b')"),
    ],
)
def test_a_comment_is_told_in_chinese(code: str, told: str) -> None:
    """With the figures that the run has put into it; what is not known, and code, stays."""
    assert told_in(code, "zh") == told
    assert told_in(code, "en") == code


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_comment_of_a_rule_is_known(path: Path) -> None:
    """The table `trainadvisor/i18n/comments.zh.toml` has it."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    remedies = [*data.get("remedies", []), *(r for b in data.get("branches", []) for r in b.get("remedies", []))]
    comments = [
        re.sub(r"\{\w+(:[^}]*)?\}", "7", comment)
        for remedy in remedies
        if isinstance(remedy, dict)
        for comment in COMMENT.findall(remedy.get("code", ""))
    ]
    assert [comment for comment in comments if chinese(comment) == comment and comment != WORDLESS] == []
