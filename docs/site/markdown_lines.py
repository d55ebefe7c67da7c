"""Markdown by the line: sections, levels of headings, and links, none of them inside of code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FENCE = re.compile(r"^\s*```")
HEADING = re.compile(r"^(#{1,6}) (.+)$")
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\\\]|`[^`]*`)*)\]\(([^)\s]+)\)")


def lines(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each line and whether it belongs to a block of code."""
    inside = False
    for line in text.splitlines():
        fence = FENCE.match(line) is not None
        yield line, inside or fence
        inside ^= fence


def sections(text: str) -> list[tuple[str, str]]:
    """Return the parts of a text by its headings of the second level; what stands before them has no heading."""
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line, code in lines(text):
        if line.startswith("## ") and not code:
            parts.append((line[3:].strip(), []))
        else:
            parts[-1][1].append(line)
    return [(heading, "\n".join(body).strip("\n")) for heading, body in parts]


def raised(text: str) -> str:
    """Return the text with every heading below the first level one level higher."""
    return "\n".join(line[1:] if line.startswith("##") and not code else line for line, code in lines(text))


def anchors(text: str) -> list[str]:
    """Return what a link can lead to in a text, as GitHub and the site name its headings."""
    found = (HEADING.match(line) for line, code in lines(text) if not code)
    return [slug(heading[2]) for heading in found if heading]


def slug(heading: str) -> str:
    """Return the name of a heading in an address."""
    plain = LINK.sub(r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def relinked(text: str, change: Callable[[str, str], str]) -> str:
    """Return the text with each link as `change` writes it, given its words and its target."""
    return "\n".join(
        line if code else LINK.sub(lambda found: change(found[1], found[2]), line) for line, code in lines(text)
    )
