"""A page as a parser sees it: its elements, which have to nest, and its words."""

from __future__ import annotations

from html.parser import HTMLParser


class Outline(HTMLParser):
    """Collects the elements of a page, and complains about those that are not closed in order."""

    VOID = frozenset({"meta", "br", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Demand that the innermost element ends."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text outside scripts and styles."""
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


def outline(page: str) -> Outline:
    """Parse a page."""
    parser = Outline()
    parser.feed(page)
    assert parser.open == []
    return parser
