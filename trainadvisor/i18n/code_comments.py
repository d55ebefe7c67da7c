"""The comments of rules' snippets in Chinese: code stays as it is, what is said about it does not."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

COMMENT = re.compile(r"((?:^|\s)#\s+)(\S.*)$")
PLACE = re.compile(r"\\{(\w+)(?::(?:[^}\\]|\\.)*?)?\\}")
GIVEN = re.compile(r"\{(\w+)(?::[^}]*)?\}")


def told_in(code: str, lang: str) -> str:
    """Return a snippet with its comments in a language, as far as they are known there."""
    if lang != "zh" or "#" not in code:
        return code
    return "\n".join(COMMENT.sub(lambda found: found[1] + chinese(found[2]), line) for line in code.split("\n"))


def chinese(comment: str) -> str:
    """Return a comment in Chinese, with the figures that a run has put into it; the comment itself where none fits."""
    for pattern, text in _known():
        if found := pattern.fullmatch(comment.rstrip()):
            return text if "{" not in text else _given(text, found)
    return comment


def _given(text: str, found: re.Match[str]) -> str:
    values = found.groupdict()
    return GIVEN.sub(lambda place: values[place[1]], text)


@cache
def _known() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return each comment as a pattern; those without figures come first."""
    import tomllib

    table = tomllib.loads(Path(__file__).with_name("comments.zh.toml").read_text(encoding="utf-8"))
    ordered = sorted(table.items(), key=lambda pair: (pair[0].count("{"), -len(pair[0])))
    return tuple((re.compile(PLACE.sub(r"(?P<\1>.+?)", re.escape(english))), text) for english, text in ordered)
