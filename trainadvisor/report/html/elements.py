"""Elements of a web page as text: whatever is not markup of ours is escaped, without anyone having to remember it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LONGEST = 2000
VOID = {"br", "img", "input", "meta"}
HTML_LANG = {"en": "en", "zh": "zh-CN"}


class Raw(str):
    """Markup made here: the only text that is not escaped."""

    __slots__ = ()


def text(content: object, longest: int = LONGEST) -> Raw:
    """Return any text as markup that shows it."""
    return content if isinstance(content, Raw) else Raw(html.escape(clean(content, longest)))


def lines(content: str, longest: int = 4000) -> Raw:
    """Return text of several lines, each kept as it is."""
    return Raw("\n".join(html.escape(clean(line)) for line in content[:longest].rstrip("\n").split("\n")))


def join(children: Iterable[object]) -> Raw:
    """Return children as one piece of markup; None and "" are left out."""
    return Raw("".join(text(child) for child in children if child not in (None, "")))


def h(name: str, /, *children: object, **attributes: object) -> Raw:
    """Return an element; `class_` and `aria_label` stand for class and aria-label, None leaves an attribute out."""
    start = f"<{name}{_attributes(attributes)}>"
    return Raw(start) if name in VOID else Raw(f"{start}{join(children)}</{name}>")


def _attributes(attributes: Mapping[str, object]) -> str:
    given = {
        key.rstrip("_").replace("_", "-"): value
        for key, value in attributes.items()
        if value is not None and value is not False
    }
    return "".join(f" {key}" if value is True else f' {key}="{text(value)}"' for key, value in given.items())


class Languages:
    """Renders something in every language of the page; CSS shows the one that is chosen."""

    def __init__(self, langs: Iterable[str]) -> None:
        """Take the languages, the default one first."""
        self.all = [Words(lang) for lang in langs]
        self.default = self.all[0]

    def say(self, key: str, **values: object) -> Raw:
        """Return a text of the page in every language."""
        return self.each(lambda words: words(key, **values))

    def each(self, make: Callable[[Words], object], element: str = "span") -> Raw:
        """Return what `make` gives for each language, once where all agree."""
        made = [text(make(words)) for words in self.all]
        if len(set(made)) == 1:
            return made[0]
        return join(
            h(element, content, class_=words.lang, lang=HTML_LANG[words.lang])
            for words, content in zip(self.all, made, strict=True)
        )

    def number(self, value: int) -> Raw:
        """Return a whole number as each language writes it."""
        return self.each(lambda words: words.number(value))

    def step(self, value: int) -> Raw:
        """Return "step 12" in every language."""
        return self.each(lambda words: words("step", step=words.number(value)))
