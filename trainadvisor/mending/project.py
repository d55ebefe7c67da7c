"""The files of the person's own that a run was made of: its script, the files it recorded, and modules they import."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.lint.pattern_catalogue import matches
from trainadvisor.mending import notebook_cells
from trainadvisor.mending.config_files import ENDINGS
from trainadvisor.script_mark import mark_of
from trainadvisor.source.reading import Source, read
from trainadvisor.source.training import Training

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from trainadvisor.judge.result import Finding, Site
    from trainadvisor.lint.pattern_declaration import Match
    from trainadvisor.mending.notebook_cells import Cells

MODULE = re.compile(r"\w+(\.\w+)*")
# Files of one project that are read.
MOST = 30
# A recorded line may be cut or joined with those behind it: so much of its beginning has to be the same.
SAME = 40


@dataclass(frozen=True)
class Project:
    """The files of a run below the current folder, by their names as the log has them."""

    script: str | None = None
    argv: tuple[str, ...] = ()
    # The mark of the script's code in the run, where it was recorded.
    mark: str | None = None
    # The name of the module that was run with -m.
    module: str | None = None
    # The recorded places, by which a file that has changed since is noticed.
    sites: tuple[Site, ...] = ()
    # Sources that are given, by name: what they become, or the cells of a notebook.
    given: Mapping[str, Source] = field(default_factory=dict)
    cells: Cells | None = None
    # What each source imports, looked for once: every remedy of every finding asks.
    _imports: dict[Source, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def is_here(self) -> bool:
        """Return whether some file of the run is here and its recorded lines are what they were."""
        if self.cells is not None:
            return True
        names = {site.file for site in self.sites if site.source}
        return self.script is not None and any(self.source(name) is not None for name in names)

    def source(self, name: str) -> Source | None:
        """Return a file's source, None where there is none below the current folder, or it has changed since."""
        if name in self.given:
            return self.given[name]
        source = _read(name)
        return source if source is not None and self.unchanged(source) else None

    def unchanged(self, source: Source) -> bool:
        """Return whether the recorded lines of a file, and the code of the script, are still what they were."""
        is_script = self.mark is not None and source.name == self.script
        return self.changed_line(source) is None and not (is_script and mark_of(source.text) != self.mark)

    def changed_line(self, source: Source) -> int | None:
        """Return the first recorded line that is another one now."""
        for site in self.sites:
            if site.line is None or not site.source or site.file != source.name:
                continue
            line = source.lines[site.line - 1].strip() if 0 < site.line <= len(source.lines) else ""
            recorded = site.source.strip()
            if not line or (line[:SAME] != recorded[:SAME] and not recorded.startswith(f"{line} ")):
                return site.line
        return None

    def files(self, first: Iterable[str] = ()) -> list[Source]:
        """Return the sources, those of some names first, then the script, recorded files and what they import."""
        waiting = [*first, *([self.script] if self.script else []), *(site.file for site in self.sites), *self.given]
        found: dict[str, Source] = {}
        for name in waiting:
            source = self.source(name) if name not in found and len(found) < MOST else None
            if source is not None:
                found[name] = source
                waiting += [module for module in self._imported(source) if module not in waiting]
        return list(found.values())

    def _imported(self, source: Source) -> tuple[str, ...]:
        if source not in self._imports:
            self._imports[source] = tuple(dict.fromkeys(imported(source)))
        return self._imports[source]

    def trainings(self, first: Iterable[str] = ()) -> list[Training]:
        """Return what is known of the training in each source."""
        return [training_of(source) for source in self.files(first)]

    def config_files(self, sources: Iterable[Source]) -> list[str]:
        """Return the names of files that the command line or a text in the sources may mean."""
        told = [
            node.value
            for source in sources
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(ENDINGS)
        ]
        return list(dict.fromkeys([*self.argv, *told]))


def project_of(run: Mapping[str, Any], findings: Sequence[Finding]) -> Project:
    """Return the project of a run, as its diagnosis tells of it."""
    sites = [site for finding in findings for inner in finding.walk() for site in inner.sites]
    given = run.get("argv")
    argv = tuple(str(part) for part in given) if isinstance(given, list) else ()
    told = str(run.get("script") or "")
    script = script_name(run)
    is_module = script is not None and not told.endswith(".py")
    mark = run.get("script_mark")
    project = Project(script, argv, mark if isinstance(mark, str) else None, told if is_module else None, tuple(sites))
    cells = notebook_cells.current()
    if cells is None or (project.script is not None and project.source(project.script) is not None):
        return project
    return replace(project, script=None, given={notebook_cells.NAME: cells.source}, cells=cells)


def script_name(run: Mapping[str, Any]) -> str | None:
    """Return the name of a run's script below the current folder."""
    told = str(run.get("script") or "")
    named = Path(told)
    module = Path(*told.split(".")) if MODULE.fullmatch(told) else None
    dotted = [module.with_suffix(".py"), module / "__main__.py"] if module is not None else []
    for place in (named, Path(named.name), *dotted):
        if place.suffix == ".py" and place.is_file():
            here = Path.cwd()
            inside = place.is_absolute() and place.is_relative_to(here)
            return str(place.relative_to(here) if inside else place)
    return None


def imported(source: Source) -> Iterator[str]:
    """Yield the files below the current folder that a source may import."""
    for name in _names_imported(source):
        yield from _paths(source, name)


@lru_cache(maxsize=64)
def _names_imported(source: Source) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for node in ast.walk(source.tree) for name in imported_names(node)))


def imported_names(node: ast.AST) -> list[str]:
    """Return the dotted names that a statement may import as modules; none where it imports nothing."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        joint = "" if module.endswith(".") or not module else "."
        return [module, *(f"{module}{joint}{alias.name}" for alias in node.names)]
    return []


def _paths(source: Source, name: str) -> Iterator[str]:
    """Yield the files that a dotted name may mean for a source: beside it, or from the current folder."""
    level = len(name) - len(name.lstrip("."))
    folder = Path(source.name).parent
    for _ in range(level - 1):
        folder = folder.parent
    parts = name.lstrip(".").split(".")
    for base in dict.fromkeys([folder] if level else [folder, Path()]) if all(parts) else ():
        path = base.joinpath(*parts).with_suffix(".py")
        if not path.is_absolute() and path.is_file():
            yield str(path)


def _read(name: str) -> Source | None:
    path = Path(name)
    if path.suffix != ".py" or ".." in path.parts or (path.is_absolute() and not path.is_relative_to(Path.cwd())):
        return None
    try:
        status = path.stat()
        return _cached(str(Path.cwd()), name, status.st_mtime_ns, status.st_size)
    except (OSError, ValueError, TrainAdvisorError):
        return None


@lru_cache(maxsize=100)
def patterns_in(source: Source) -> list[tuple[str, Match]]:
    """Return what lint finds in a source, looked for once."""
    return matches(source)


@lru_cache(maxsize=100)
def training_of(source: Source) -> Training:
    """Take a source apart once."""
    return Training(source)


@lru_cache(maxsize=100)
def _cached(folder: str, name: str, changed: int, size: int) -> Source:
    """Read a file once, as long as it stays as it is."""
    del changed, size
    return read(Path(folder) / name, name)
