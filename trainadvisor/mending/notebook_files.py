"""Notebooks: their code cells as one source, and a changed cell written with the rest of the file as it was."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.judge.result import Edit, Site
from trainadvisor.mending.config_files import JSON_PART
from trainadvisor.source.reading import LARGEST, Source, SourceError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Finding

ENDING = ".ipynb"
# What stands before each cell in the source that the cells are together.
HEAD = "# cell {number}"
HEADS = re.compile(r"^# cell \d+\n", re.MULTILINE)
# How the file of a cell is called in a log, by IPython and by its kernel.
CELL = re.compile(r"<ipython-input-\d+-|<stdin>|(.*/)?ipykernel_\d+/\d+\.py$|In \[\d+\]$")
# Notebooks of a folder that are looked at.
MOST = 30
Stretch = tuple[int, int]
Placed = TypeVar("Placed", Site, Edit)
# Brackets around the keys of a cell: those of the file, of the list of cells, and of the cell.
IN_CELL = 3


@dataclass(frozen=True)
class NotebookSource(Source):
    """The code cells of a notebook behind each other, and where the source of each stands in the file."""

    raw: str = field(default="", repr=False, compare=False)
    stretches: tuple[Stretch, ...] = field(default=(), compare=False)

    def written(self, text: str) -> bytes:
        """Return the file with the cells of a changed text; the cells that did not change keep every byte."""
        old, new = (HEADS.split(part)[1:] for part in (self.text, text))
        if len(old) != len(new):
            raise SourceError(f"{self.name}: the change does not fit into its cells; nothing was written")
        raw = self.raw
        for (start, end), before, after in sorted(zip(self.stretches, old, new, strict=True), reverse=True):
            if before != after:
                raw = raw[:start] + _as_json(raw[start:end], after.removesuffix("\n"), raw) + raw[end:]
        return raw.encode("utf-8")


def _as_json(old: str, text: str, raw: str) -> str:
    """Return the text of a cell as JSON, in the form of the old one: a list of lines or one string."""
    plain = not raw.isascii() or "\\u" not in raw
    if not old.startswith("["):
        return json.dumps(text, ensure_ascii=not plain)
    lines = [json.dumps(line, ensure_ascii=not plain) for line in text.splitlines(keepends=True)]
    first = re.match(r"\[(\s*)", old)
    last = re.search(r"(\s*)\]$", old)
    lead, tail = first[1] if first else "", last[1] if last else ""
    return f"[{lead}{f',{lead or chr(32)}'.join(lines)}{tail}]"


def read(path: Path, name: str | None = None) -> NotebookSource:
    """Return the code cells of a notebook; SourceError with a sentence where there are none."""
    shown = name or str(path)
    try:
        raw = path.read_bytes().decode("utf-8") if path.stat().st_size <= LARGEST else ""
        cells = json.loads(raw)["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except OSError as error:
        raise SourceError(f"{shown}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SourceError(f"{shown}: is not a notebook of format 4; save it again with Jupyter") from None
    stretches = [stretch for kind, stretch in _cells(raw) if kind == "code"]
    if len(stretches) != len(texts) or not texts:
        raise SourceError(f"{shown}: has no code cells that can be told apart")
    parts = [f"{HEAD.format(number=number)}\n{text}\n" for number, text in enumerate(texts, 1)]
    made = parse("".join(parts), shown)
    return NotebookSource(shown, made.text, made.tree, raw=raw, stretches=tuple(stretches))


def _cells(raw: str) -> Iterator[tuple[str, Stretch]]:
    """Yield kind and place of the source of each cell of a text that is known to be JSON."""
    depth, key, kind = 0, "", ""
    place: Stretch | None = None
    begun = 0
    parts = list(JSON_PART.finditer(raw))
    for part, behind in zip(parts, [*parts[1:], None], strict=True):
        word = part[0]
        if word in "]}":
            depth -= 1
            if word == "]" and depth == IN_CELL and key == "source":
                place = begun, part.end()
            if word == "}" and depth == IN_CELL - 1 and place is not None:
                yield kind, place
                place, kind = None, ""
        elif word in "[{":
            begun = part.start() if depth == IN_CELL else begun
            depth += 1
        elif behind is not None and behind[0] == ":":
            key = str(json.loads(word)) if depth == IN_CELL else key
        elif depth == IN_CELL and word not in ",:":
            kind = str(json.loads(word)) if key == "cell_type" else kind
            place = (part.start(), part.end()) if key == "source" else place


def notebook_of(sites: Sequence[Site]) -> NotebookSource | None:
    """Return the only notebook of the current folder that holds the recorded lines of some cells."""
    lines = [site.source.strip() for site in sites if site.source and CELL.match(site.file)]
    found = []
    for path in sorted(Path().glob(f"*{ENDING}"))[:MOST] if lines else []:
        try:
            source = read(path)
        except TrainAdvisorError:
            continue
        held = {line.strip() for line in source.lines}
        found += [source] if all(any(known.startswith(line[:40]) for known in held) for line in lines) else []
    return found[0] if len(found) == 1 else None


def placed(finding: Finding, source: NotebookSource) -> Finding:
    """Return a finding whose places in cells are places in the notebook, where the line stands there once."""
    sites = [_placed(site, site.source, source) for site in finding.sites]
    remedies = [
        remedy.model_copy(update={"edits": [_placed(edit, edit.old or edit.anchor, source) for edit in remedy.edits]})
        for remedy in finding.remedies
    ]
    inner = [placed(other, source) for other in finding.explains]
    return finding.model_copy(update={"sites": sites, "remedies": remedies, "explains": inner})


def _placed(place: Placed, text: str | None, source: NotebookSource) -> Placed:
    if not CELL.match(place.file) or not text:
        return place
    starts, lines, begun = [], [], 0
    for number, line in enumerate(source.lines, 1):
        begun = number if HEADS.match(f"{line}\n") else begun
        if line.strip() and text.strip().startswith(line.strip()):
            lines.append(number)
            starts.append(begun)
    # Of several alike the one that stands at the same line of its cell.
    there = [line for line, start in zip(lines, starts, strict=True) if line - start == place.line] or lines
    return place.model_copy(update={"file": source.name, "line": there[0] if len(there) == 1 else None})
