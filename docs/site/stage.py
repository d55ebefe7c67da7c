"""The sources of the site in one language, as Sphinx reads them: every page, with links that lead inside the site."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from contents import CHAPTERS, HOME, LANGUAGES, ROOT, Page, all_pages, code_pages, source_in
from generated import GENERATED
from markdown_lines import anchors, raised, relinked, sections, slug

if TYPE_CHECKING:
    from pathlib import Path

README = "README.md"
LIMITS = {"en": "### Thresholds", "zh": "## 中文"}


class DocsError(Exception):
    """Something of the documentation leads nowhere."""


class Site:
    """The site in one language."""

    def __init__(self, lang: str) -> None:
        """Read every page."""
        self.lang = lang
        self.pages = {page.path: page for page in all_pages()}
        self.homes = {name: page.path for page in self.pages.values() if page.source for name in names_of(page.source)}
        self.moved = {heading: page.path for page in self.pages.values() for heading in page.sections}
        self.texts = {path: self._text(page) for path, page in self.pages.items()}

    def staged(self) -> dict[str, str]:
        """Return the text of every page, its links rewritten and checked."""
        return {path: self._linked(path, text) for path, text in self.texts.items()}

    def _text(self, page: Page) -> str:
        if page.generated:
            return GENERATED[page.generated](page, self.lang)
        if page.sections:
            return raised("\n\n".join(f"## {own}\n\n{body}" for english, own, body in self._readme(page.sections)))
        text = source_in(page.source, self.lang).read_text(encoding="utf-8")
        if page == HOME:
            rest = [f"{text.splitlines()[0]}\n", *self._left()]
            return "\n\n".join(rest)
        if page.path.startswith("codes/") and page.path != "codes/index":
            return of_language(text, self.lang)
        return without_switch(text)

    def _readme(self, wanted: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
        """Return the sections of the README: English heading, heading in this language, text."""
        english = sections((ROOT / README).read_text(encoding="utf-8"))
        own = sections(source_in(README, self.lang).read_text(encoding="utf-8"))
        if len(english) != len(own):
            raise DocsError("README.md and README.zh.md have different sections")
        found = [(there[0], *here) for there, here in zip(english, own, strict=True)]
        if missing := set(wanted) - {name for name, *_ in found}:
            message = f"README.md has no section {', '.join(sorted(missing))}; docs/site/contents.py names it"
            raise DocsError(message)
        return [entry for entry in found if entry[0] in wanted] if wanted else found

    def _left(self) -> list[str]:
        """Return the sections of the README that are no pages of their own."""
        left = [entry for entry in self._readme() if entry[0] not in self.moved]
        head = left[0][2].split("\n", 1)[1].strip("\n")
        return [head, *(f"## {own}\n\n{body}" for _, own, body in left[1:])]

    def _linked(self, path: str, text: str) -> str:
        page = self.pages[path]
        folder = posixpath.dirname(page.source)

        def change(words: str, target: str) -> str:
            if "://" in target or target.startswith("mailto:"):
                return f"[{words}]({target})"
            file, _, anchor = target.partition("#")
            place = posixpath.normpath(posixpath.join(folder, file)).lstrip("/") if file else ""
            if file and not (ROOT / place).exists():
                message = f"{page.source or path}: no file {target}"
                raise DocsError(message)
            home = self.homes.get(place) if file else path
            leads = home and (home != path or anchor)
            return f"[{words}]({self._address(path, home, anchor)})" if leads else words

        return relinked(text, change)

    def _address(self, path: str, home: str, anchor: str) -> str:
        """Return the address of a page from another one; a section of the README may have moved."""
        if home == HOME.path and anchor:
            home = next((new for old, new in self._anchored().items() if old == anchor), home)
        if anchor and anchor not in anchors(self.texts[home]):
            anchor = self._counterpart(path, home, anchor)
        if home == path:
            return f"#{anchor}"
        place = posixpath.relpath(home, posixpath.dirname(path) or ".")
        return f"{place}.md#{anchor}" if anchor else f"{place}.md"

    def _counterpart(self, path: str, home: str, anchor: str) -> str:
        """Return the heading that stands in this language where a page without a translation names the English one."""
        source = self.pages[home].source
        english = anchors(source_in(source, "en").read_text(encoding="utf-8")) if source else []
        own = anchors(self.texts[home])
        if anchor not in english or len(english) != len(own):
            message = f"{path}: {home} has no heading #{anchor}"
            raise DocsError(message)
        return own[english.index(anchor)]

    def _anchored(self) -> dict[str, str]:
        return {slug(own): self.moved[english] for english, own, _ in self._readme() if english in self.moved}


def names_of(source: str) -> list[str]:
    """Return the files of a page in all languages."""
    return [source, *(source.replace(".md", f".{lang}.md") for lang in LANGUAGES if lang != "en")]


def without_switch(text: str) -> str:
    """Return a text without the line that leads to its other language: the site has its own."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(("[中文](", "[English](")))


def of_language(text: str, lang: str) -> str:
    """Return one language of the page of a code; its figures and conditions are the same in both."""
    head, rest = text.split("\n## English\n", 1)
    english, chinese = rest.split("\n## 中文\n", 1)
    title, facts = without_switch(head).split("\n", 1)
    code, _, titles = title.partition(": ")
    limits = english.partition("\n### Thresholds")[2]
    if lang == "en":
        return raised(f"{code}: {titles.split(' · ')[0]}\n{facts}\n{english}")
    told = "\n".join(line for line in chinese.splitlines() if "(#thresholds)" not in line)
    figures = f"\n### 阈值\n{limits}" if limits else ""
    return raised(f"{code}: {titles.split(' · ')[-1]}\n{facts}\n{told}\n{figures}")


def listed(lang: str) -> dict[str, str]:
    """Return what stands below a page to name those that it leads to."""
    home = "\n".join(_tree(chapter.titles[lang], [page.path for page in chapter.pages]) for chapter in CHAPTERS)
    codes = _tree("", [page.path.removeprefix("codes/") for page in code_pages()])
    return {"index": home, "codes/index": codes}


def _tree(caption: str, paths: list[str]) -> str:
    options = [":hidden:", ":maxdepth: 1", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["```{toctree}", *options, "", *paths, "```", ""])


def write(folder: Path) -> None:
    """Write the sources of every language below a folder, and the settings of Sphinx beside them."""
    own = ROOT / "docs" / "site"
    for lang in LANGUAGES:
        below = listed(lang)
        for path, text in Site(lang).staged().items():
            file = folder / lang / f"{path}.md"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text.strip()}\n\n{below.get(path, '')}", encoding="utf-8")
        settings = (own / "sphinx_settings.py").read_text(encoding="utf-8")
        (folder / lang / "conf.py").write_text(settings, encoding="utf-8")
        target = folder / lang / "_templates" / "sidebar"
        target.mkdir(parents=True, exist_ok=True)
        (target / "language.html").write_text((own / "language.html").read_text(encoding="utf-8"), encoding="utf-8")
