"""The cells of the notebook that this process runs, read as one script, and the cell that each of its lines is in."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.judge.result import Edit, Site
from trainadvisor.source.reading import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.source.reading import Source

# How Python calls the code of a cell.
EXECUTED = re.compile(r"<ipython-input-(\d+)-")
# What the cells together are called: no file of that name is ever read.
NAME = "<cells>"
Placed = TypeVar("Placed", Site, Edit)


@dataclass(frozen=True)
class Cells:
    """Cells that follow each other, as one source; of each the number and the line before its first."""

    source: Source
    starts: tuple[tuple[int, int], ...]

    def located(self, place: Placed) -> Placed:
        """Return a place in the cells as one in its own cell: "In [3]", line 9."""
        if place.file != NAME or place.line is None:
            number = EXECUTED.match(place.file)
            return place.model_copy(update={"file": f"In [{number[1]}]"}) if number else place
        cell, start = next((n, s) for n, s in reversed(self.starts) if s < place.line)
        return place.model_copy(update={"file": f"In [{cell}]", "line": place.line - start})


def current() -> Cells | None:
    """Return the cells that were run in this process, None where there is no notebook."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None and hasattr(module, "get_ipython") else None
    held = getattr(shell, "user_ns", {}).get("In") if shell is not None else None
    return of_texts([str(text) for text in held]) if isinstance(held, list) and len(held) > 1 else None


def of_texts(texts: Sequence[str]) -> Cells | None:
    """Return the cells of some texts, each at its number; of equal ones the last, and none that is no Python."""
    kept = {text: number for number, text in enumerate(texts) if text.strip() and _is_python(text)}
    lines: list[str] = []
    starts = []
    for text, number in sorted(kept.items(), key=lambda item: item[1]):
        starts.append((number, len(lines)))
        lines += text.rstrip("\n").split("\n")
    try:
        return Cells(parse("\n".join([*lines, ""]), NAME), tuple(starts)) if starts else None
    except TrainAdvisorError:
        return None


def _is_python(text: str) -> bool:
    try:
        parse(text)
    except TrainAdvisorError:
        return False
    return True
