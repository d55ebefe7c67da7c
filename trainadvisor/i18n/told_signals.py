"""Signals in Chinese: their kinds, units and meanings, which stand in English where they are defined."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def tables() -> dict[str, dict[str, str]]:
    """Return the Chinese texts: "kinds", "units", and "meanings" by the names of signals."""
    import tomllib

    return tomllib.loads(Path(__file__).with_name("signals.zh.toml").read_text(encoding="utf-8"))


def told_in(lang: str, table: str, key: str, english: str) -> str:
    """Return a text of a table in a language; the English one stays where no other is known."""
    return tables()[table].get(key, english) if lang == "zh" else english
