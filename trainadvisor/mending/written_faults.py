"""The faults that stand in the sources of a run, in the form in which its log keeps them."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.judge.result import Site
from trainadvisor.lint.pattern_catalogue import matches
from trainadvisor.mending.project import imported_names
from trainadvisor.source.reading import SourceError, read
from trainadvisor.source.script import Script
from trainadvisor.source.taken_branches import TakenBranches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainadvisor.lint.pattern_declaration import Match
    from trainadvisor.mending.notebook_cells import Cells
    from trainadvisor.source.reading import Source

Fault = tuple[str, dict[str, Any]]
# Files that are read, and how large they may be together: it is done before the training begins.
MOST_FILES, MOST_CHARACTERS = 20, 300_000
MOST_FAULTS = 20


def written_faults(script: str | None, shown: Callable[[str], str], arguments: list[str] | None = None) -> list[Fault]:
    """Return the code and the place of each fault in a script and in what it imports from beside it.

    `shown` gives the name by which the log calls a file. A source that cannot be read says nothing. Faults in branches
    that `arguments`, what the script finds in `sys.argv`, leave out are none of the run.
    """
    return list(_found(script, shown, arguments))[:MOST_FAULTS] if script else []


def fault_events(script: str, arguments: list[str]) -> list[dict[str, Any]]:
    """Return the faults of a script that is run from here as events of a log whose run did not look for them."""
    found = written_faults(script, os.path.relpath, arguments)
    return [{"kind": "written-fault", "step": 0, "subject": code, "detail": place} for code, place in found]


def faults_in_cells(cells: Cells | None) -> list[Fault]:
    """Return the code and the place of each fault in the cells of a notebook that were run so far."""
    found = matches(cells.source)[:MOST_FAULTS] if cells is not None else []
    return [(code, _told(cells.source, match, cells.located)) for code, match in found if cells is not None]


def _found(script: str, shown: Callable[[str], str], arguments: list[str] | None) -> Iterator[Fault]:
    def located(site: Site) -> Site:
        return site.model_copy(update={"file": shown(site.file)})

    for number, source in enumerate(_sources(Path(script))):
        # what another file names may be used from anywhere
        branches = TakenBranches(Script(source), arguments) if arguments and not number else None
        for code, match in matches(source):
            if branches is None or not branches.leave_out(match.node):
                yield code, _told(source, match, located)


def _told(source: Source, match: Match, located: Callable[[Site], Site]) -> dict[str, Any]:
    nodes = [node for node in (match.node, match.other) if node is not None]
    lines = dict.fromkeys(int(getattr(node, "lineno", 1)) for node in nodes)
    sites = [located(Site(file=source.name, line=line, source=source.lines[line - 1].strip())) for line in lines]
    places = [{"file": site.file, "line": site.line, "code": site.source} for site in sites]
    return {"sites": places, "parts": [[name, text] for name, text in match.values.items()], "pattern": match.pattern}


def _sources(script: Path) -> Iterator[Source]:
    """Yield the script and the modules beside it that it imports, directly or not."""
    waiting, room = [script], MOST_CHARACTERS
    for path in waiting:
        source = _readable(path)
        if source is None:
            continue
        room -= len(source.text)
        if room < 0:
            return
        yield source
        found = [script.parent.joinpath(*name.lstrip(".").split(".")).with_suffix(".py") for name in _names(source)]
        waiting += [other for other in dict.fromkeys(found) if other not in waiting][: MOST_FILES - len(waiting)]


def _readable(path: Path) -> Source | None:
    if not path.is_file() or path.suffix != ".py":
        return None
    try:
        return read(path, str(path))
    except SourceError:
        return None


def _names(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        yield from (name for name in imported_names(node) if name.strip("."))
