"""Errors in Chinese: found by what they say in English, so that whoever raises one writes one text."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

DEEPEST = 4
# A part with another one right behind it, which is a hint or nothing.
HINTED = re.compile(r"\(\.\*\?\)(?=\(\.\*\?\))(\(\.\*\?\))")
HINT = r"(.*?)((?:;| \\().*|)"


def told(message: str, lang: str) -> str:
    """Return an error in a language; one that the list lacks stays as it is."""
    return message if lang != "zh" else _chinese(message)


def reason(detail: str, lang: str) -> str:
    """Return in a language why changes could not be tried, or a trial not be compared."""
    if lang != "zh":
        return detail
    for parts in (detail.split("; "), [detail]):
        told_of = [(change, told(why, lang), why) for change, _, why in (part.partition(": ") for part in parts)]
        if all(chinese != why for _, chinese, why in told_of):
            return "；".join(f"{change}：{chinese}" for change, chinese, _ in told_of)
    return detail if ": " in detail else told(detail, lang)


@cache
def listed(group: str) -> dict[str, str]:
    """Return the Chinese texts of a group by the English ones."""
    groups: dict[str, dict[str, str]] = tomllib.loads(
        Path(__file__).with_name("errors.toml").read_text(encoding="utf-8")
    )
    return groups[group]


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return what matches each error whole, the one with most words of its own first."""
    settings = {f"{{}}: {{}} {english}": f"{{}}：{{}} {chinese}" for english, chinese in listed("settings").items()}
    both = {**listed("commands"), **listed("parts"), **listed("notes"), **listed("reasons"), **settings}
    ranked = sorted(both.items(), key=lambda pair: -len(pair[0].replace("{}", "")))
    return [
        (re.compile(HINTED.sub(HINT, "(.*?)".join(map(re.escape, english.split("{}")))), re.DOTALL), text)
        for english, text in ranked
    ]


def _chinese(message: str, depth: int = 0) -> str:
    if depth < DEEPEST and re.search("[A-Za-z]", message):
        for pattern, text in _patterns():
            if found := pattern.fullmatch(message):
                parts = [_chinese(part, depth + 1) for part in found.groups("")]
                return "".join(piece + part for piece, part in zip(text.split("{}"), [*parts, ""], strict=True))
    return message
