"""The reasons of thresholds in Chinese; in English they stand beside the thresholds, in the rules."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def table() -> dict[str, dict[str, str]]:
    """Return the Chinese reasons by the codes of rules and the names of their thresholds."""
    import tomllib

    return tomllib.loads(Path(__file__).with_name("reasons.zh.toml").read_text(encoding="utf-8"))


def told_in(lang: str, code: str, name: str, english: str) -> str:
    """Return the reason of a threshold in a language; the English one stays where no other is known."""
    return table().get(code, {}).get(name, english) if lang == "zh" else english
