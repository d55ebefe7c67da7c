"""Gives the numbers of a printed table the names that its head has for them."""

import re

_NAME = re.compile(r"[A-Za-z_][\w ./@%()-]{0,39}")
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s?%?")
# A column without which a line of words is a sentence.
_COLUMN = re.compile(r"\b(?:epochs?|steps?|iter(?:ation)?s?)\b|loss", re.IGNORECASE)
_SAID = re.compile(r"[:=]")
_BARS = "|│┃║"
_EDGES = re.compile(rf"[{_BARS}]")
_GAPS = re.compile(r"\t|\s{2,}")
_LEAST = 2


class PrintedTables:
    """Remembers the last line that is the head of a table."""

    def __init__(self) -> None:
        """Begin without a head."""
        # The names of its columns.
        self.head: list[str] = []

    def told(self, line: str) -> str:
        """Return the names and numbers of a row, and any other line as it is."""
        if _SAID.search(line):
            return line
        cells = _cells(line)
        if all(map(_NAME.fullmatch, cells)):
            self.head = cells if len(cells) >= _LEAST and any(map(_COLUMN.search, cells)) else self.head
            return line
        row = cells if _EDGES.search(line) else line.split()
        numbers = list(map(_NUMBER.fullmatch, row))
        if len(row) != len(self.head) or not row or numbers[0] is None:
            return line
        return ", ".join(f"{name}: {found[1]}" for name, found in zip(self.head, numbers, strict=True) if found)


def _cells(line: str) -> list[str]:
    """Return the cells of a line, which bars part, else wide gaps, else single spaces."""
    if _EDGES.search(line):
        return [cell.strip() for cell in _EDGES.split(line.strip().strip(_BARS))]
    wide = [cell for cell in _GAPS.split(line.strip()) if cell]
    return wide if len(wide) >= _LEAST else line.split()
