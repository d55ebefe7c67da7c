"""Texts in every language of a page: a template shows them all, and the style sheet the one that is chosen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from trainadvisor.i18n.language import Words
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LONGEST = 2000
# Code in a sentence stands between backticks.
CODE = re.compile(r"`([^`\n]+)`")
HTML_LANG = {"en": "en", "zh": "zh-CN"}


def prose(text: str) -> Markup:
    """Return a sentence as markup, with the code in it as code."""
    return Markup(CODE.sub(r"<code>\1</code>", escape(clean(text, LONGEST))))  # noqa: S704 - escaped


class Told:
    """A text in each language; as markup it stands once where all agree."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take the text by language."""
        self._texts = texts

    def __bool__(self) -> bool:
        """Return whether there is anything to read."""
        return any(self._texts.values())

    def __html__(self) -> str:
        """Return the markup that templates insert."""
        made = {lang: prose(text) for lang, text in self._texts.items()}
        if len(set(made.values())) == 1:
            return str(next(iter(made.values())))
        return "".join(f'<span class="{lang}" lang="{HTML_LANG[lang]}">{text}</span>' for lang, text in made.items())


class Languages:
    """The languages of a page, the default one first."""

    def __init__(self, langs: Iterable[str], *, epochs: bool = False) -> None:
        """Take the languages, the default one first, and whether what is counted are epochs, not steps."""
        self.all = [Words(lang, epochs=epochs) for lang in langs]
        self.default = self.all[0]

    def each(self, make: Callable[[Words], str]) -> Told:
        """Return what `make` gives for each language."""
        return Told({words.lang: make(words) for words in self.all})

    def say(self, key: str, **values: object) -> Told:
        """Return a text of the interface in every language."""
        return self.each(lambda words: words(key, **values))

    def number(self, value: int) -> Told:
        """Return a whole number as each language writes it."""
        return self.each(lambda words: words.number(value))

    def step(self, value: int) -> Told:
        """Return "step 12" in every language."""
        return self.each(lambda words: words("step", step=words.number(value)))


def code_lines(source: str, longest: int = 4000) -> list[Markup]:
    """Return text of several lines, each kept as it is."""
    return [escape(clean(line)) for line in source[:longest].rstrip("\n").split("\n")]
