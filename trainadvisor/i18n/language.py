"""Every text of the interface that is not a rule's, from `en.toml` and `zh.toml`, and the choice between them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import UsageError
from trainadvisor.figures import filled
from trainadvisor.i18n.epochs import in_epochs

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("en", "zh")


@cache
def texts(lang: str) -> dict[str, str]:
    """Return the texts of a language by key, read once and only when one is needed."""
    import tomllib

    with Path(__file__).with_name(f"{lang}.toml").open("rb") as file:
        groups = tomllib.load(file)
    return {key: text for group in groups.values() for key, text in group.items()}


class Words:
    """The texts of one language: `words("fix")` gives the text of a key."""

    def __init__(self, lang: str, *, epochs: bool = False) -> None:
        """Take "en" or "zh", and whether what is counted are epochs, not steps."""
        self.lang, self._epochs = lang, epochs
        self._texts = texts("zh" if lang == "zh" else "en")

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key with its placeholders filled."""
        text = self._texts[key]
        told = filled(text, values, self.lang) if values else text
        return in_epochs(told, self.lang) if self._epochs else told

    def of(self, pair: tuple[str, str]) -> str:
        """Return the text of a pair in English and Chinese that is held elsewhere."""
        return pair[self.lang == "zh"]

    def count(self, key: str, count: int) -> str:
        """Return a counted noun, such as "1 error" or "2 errors"."""
        return self(f"{key}.one") if count == 1 else self(key, count=self.number(count))

    def metric(self, name: str) -> str:
        """Return what a figure of verify is called."""
        if f"verify.metric.{name}" in self._texts:
            return self(f"verify.metric.{name}")
        kind, _, told = name.partition(" ")
        return self("verify.metric.printed", name=told) if kind == "printed" else name

    def number(self, value: int) -> str:
        """Return a whole number, with thousands separated in English only."""
        return f"{value:,}" if self.lang == "en" else str(value)


def ours(text: str, lang: str) -> str:
    """Return a line behind our name, by which it is told from the lines of the script."""
    return f"trainadvisor{say('colon', lang)}{text}"


def say(key: str, lang: str, **values: object) -> str:
    """Return one text in one language with its placeholders filled."""
    return Words(lang)(key, **values)


def choose(option: str | None = None, configured: str | None = None, env: Mapping[str, str] = os.environ) -> str:
    """Return "en" or "zh": the option, then TRAINADVISOR_LANG, then the configuration, then the locale."""
    for wish in (option, env.get("TRAINADVISOR_LANG"), configured):
        if wish and wish != "auto":
            return _known(wish)
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def _known(wish: str) -> str:
    lang = wish.lower().replace("_", "-").split("-")[0].split(".")[0]
    if lang not in LANGUAGES:
        message = f"language {wish!r} is not known; choose en or zh"
        raise UsageError(message)
    return lang
