"""A page of terminal text: labeled lines, wrapped and aligned by display cells; color is only a second signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.report.text.layout import LONGEST, cells, clean, pad, spread, wrap

if TYPE_CHECKING:
    from trainadvisor.i18n.language import Words

COLOURS = {
    "error": "1;31",
    "broken": "1;31",
    "warning": "1;33",
    "needs-attention": "1;33",
    "note": "1;36",
    "cannot-tell": "1;36",
    "healthy": "1;32",
    "added": "32",
    "removed": "31",
    "label": "2",
}
INDENT = "  "


class Page:
    """Collects the lines of a report."""

    def __init__(self, words: Words, width: int, *, color: bool = False, column: int = 11) -> None:
        """Take the texts, the width of the terminal and the width of the column of labels."""
        self.words = words
        self.width = width
        self.column = column
        self._color = color
        self._lines: list[str] = []

    @property
    def room(self) -> int:
        """Return how wide a text beside a label may be."""
        return self.width - len(INDENT) - self.column

    def text(self) -> str:
        """Return the page, without blank lines at its end."""
        return "\n".join(self._lines).rstrip("\n")

    def paint(self, text: str, style: str) -> str:
        """Return text in a style, unchanged on a page without color."""
        return f"\x1b[{COLOURS[style]}m{text}\x1b[0m" if self._color and text else text

    def blank(self) -> None:
        """Add an empty line, never two in a row."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def paragraph(self, text: str, indent: str = "", hang: str = "", longest: int = LONGEST) -> None:
        """Add wrapped text, whole up to a number of characters; the lines after the first start with `hang`."""
        lines = wrap(clean(text, longest), self.width - cells(indent + hang))
        self._lines += [indent + (hang if number else "") + line for number, line in enumerate(lines)]

    def command(self, text: str, command: str) -> None:
        """Add a text and the command that it speaks of, which is never broken: below the text where it does not fit."""
        line = text + ("" if self.words.lang == "zh" else " ") + command
        if cells(line) <= self.width:
            self._lines.append(line)
        else:
            self.paragraph(text)
            self._lines.append(f"  {command}")

    def restyle(self, mark: str, style: str) -> None:
        """Paint the start of the last line, after it was laid out."""
        if self._lines and self._lines[-1].startswith(mark):
            self._lines[-1] = self.paint(mark, style) + self._lines[-1][len(mark) :]

    def headline(self, mark: str, text: str, style: str, right: str = "") -> None:
        """Add `mark: text`, the mark in color, and `right` at the end of its last line or below it."""
        lines = wrap(f"{mark}{self.words('colon')}{clean(text)}", self.width)
        last = spread(lines[-1], right, self.width) if right else lines[-1]
        lines[-1:] = [last] if last is not None else [lines[-1], right.rjust(self.width - cells(right) + len(right))]
        lines[0] = lines[0].replace(mark, self.paint(mark, style), 1)
        self._lines += lines

    def row(self, label: str, text: str, right: str = "", longest: int = LONGEST) -> None:
        """Add a label and wrapped text beside it, `right` at the end of its first line."""
        margin = len(INDENT) + self.column
        room = self.width - margin - (cells(right) + 2 if right else 0)
        lines = wrap(clean(text, longest), room)
        first = pad(lines[0], room) + (f"  {right}" if right else "")
        self._lines.append(self._labeled(label) + first.rstrip())
        self._lines += [" " * margin + line for line in lines[1:]]

    def _labeled(self, label: str) -> str:
        filled = INDENT + pad(label, self.column - 1) + " "
        return self.paint(filled, "label") if label else filled

    def code(self, text: str) -> None:
        """Add lines of code under a row as they are, to be copied; a diff in its colors."""
        for line in text.rstrip("\n").split("\n"):
            style = {"+ ": "added", "- ": "removed"}.get(f"{line} "[:2])
            shown = clean(line)
            self._lines.append(" " * (len(INDENT) + self.column) + (self.paint(shown, style) if style else shown))
