"""The patch of a finding: what lint finds under its code, or what its remedy asks for, in the script's own words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.judge.result import Site
from trainadvisor.mending import arguments
from trainadvisor.mending.config_files import entry_in_files, key_of
from trainadvisor.mending.fault_catalogue import FAULTS, GUESSES
from trainadvisor.mending.fault_places import PLACES
from trainadvisor.mending.framework_places import held_at
from trainadvisor.mending.insertions import INSERTIONS
from trainadvisor.mending.project import patterns_in, training_of
from trainadvisor.mending.unbound_names import unbound_since
from trainadvisor.source.edits import applied
from trainadvisor.source.reading import plain, span_of

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Mapping, Sequence

    from trainadvisor.judge.result import Finding, Remedy
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.lint.pattern_declaration import Match
    from trainadvisor.mending.project import Project
    from trainadvisor.source.edits import Fix, Span
    from trainadvisor.source.provenance import Provenance
    from trainadvisor.source.reading import Source
    from trainadvisor.source.training import Training

# How surely a pattern's fault must explain a finding for its change to be the finding's.
SAME_FAULT = 0.8
# Where the person sets a value, as far as that is known for sure.
SURE = ("option", "file")
# Lines that one finding shows.
MOST_SITES = 3


@dataclass(frozen=True)
class Patch:
    """A changed text, or the words that say where the person sets the value."""

    code: str
    text: str | None = None
    kind: str = ""
    words: str = ""
    value: str = ""
    # What the remedy says, where it is one of the finding's own.
    said: str = ""
    # The file that is changed: a script, or a configuration file.
    source: Source | None = None
    # The lines that it is about, those that change first.
    sites: tuple[Site, ...] = ()
    # What the texts of the pattern's rule say of it.
    values: Mapping[str, str] = field(default_factory=dict)
    pattern: str = ""
    # The place of the remedy among those of the finding, None where lint found the fault.
    remedy: int | None = None
    # Whether its place is only likely: a trial tells whether it helps.
    guessed: bool = False


def patch(finding: Finding, source: Source, book: Rulebook, project: Project | None = None) -> Patch | None:
    """Return how a finding is mended in a source; None where that is not known."""
    for made in (of_pattern(finding, source, book), *_by_remedies(finding, source, project)):
        if made is not None:
            return made
    return None


def patch_of_project(finding: Finding, project: Project, book: Rulebook) -> Patch | None:
    """Return how a finding is mended in the files of a project, the first way that can be written."""
    places = [edit.file for remedy in finding.remedies for edit in remedy.edits]
    sources = project.files([*places, *(site.file for site in finding.sites)])
    patterns = (of_pattern(finding, source, book) for source in sources)
    ways = (of_remedy(finding, number, project, sources) for number in ranked(finding))
    told = None
    for made in (*patterns, *ways):
        if made is not None and (made.text is not None or made.kind in SURE):
            return made
        told = told or made
    return told


def ranked(finding: Finding) -> list[int]:
    """Return the numbers of the remedies, those first that say what mends the fault itself where it is seen."""
    return sorted(range(len(finding.remedies)), key=lambda number: (finding.code, number) not in FAULTS)


def shown(finding: Finding, made: Patch | None, sources: Sequence[Source]) -> list[Site]:
    """Return the lines that a finding shows: the first of its patch, where else the fault stands, and the rest.

    A patch of a further remedy is at another place than the first one, whose place is that of the finding.
    """
    sites = list(made.sites) if made is not None and made.sites else []
    if made is not None and made.remedy:
        sites = [*finding.sites[:1], *sites]
    first = (sites or finding.sites)[:1]
    held = [site_of(source, node) for source in sources for node in _held(finding, source, first)]
    show = PLACES.get(finding.code)
    places = [site_of(source, node) for source in sources if show for node in show(training_of(source))]
    rest = sites[1:] or ([] if sites else finding.sites)
    return _once([*held[:1], *sites[:1], *held[1:], *places, *rest])[:MOST_SITES]


def _held(finding: Finding, source: Source, first: Sequence[Site]) -> list[ast.AST]:
    """Return the places that hold what a finding is about, where a framework only trains at its first line."""
    line = next((site.line for site in first if site.file == source.name), None)
    return held_at(training_of(source), finding.code, line)


def of_pattern(finding: Finding, source: Source, book: Rulebook) -> Patch | None:
    """Return the change of what lint finds under the code of the finding, or of a cause of it."""
    found: dict[str, list[Match]] = {}
    for code, match in patterns_in(source):
        explains = book.rules[code].explains if code in book.rules else {}
        if match.fix and (code == finding.code or explains.get(finding.code, 0.0) >= SAME_FAULT):
            found.setdefault(code, []).append(match)
    code = finding.code if finding.code in found else next(iter(found), "")
    fix = tuple(span for match in found.get(code, ()) for span in match.fix or ())
    nodes = [node for match in found.get(code, ()) for node in (match.node, match.other) if node is not None]
    made = _patched(finding, source, fix, nodes)
    return replace(made, code=code, values=found[code][0].values, pattern=found[code][0].pattern) if made else None


def of_remedy(finding: Finding, number: int, project: Project, sources: Sequence[Source]) -> Patch | None:
    """Return the change of one remedy in the first of some sources in which it can be written, else in words."""
    remedy, told = finding.remedies[number], None
    for source in sources:
        for made in _ways(finding, remedy, training_of(source), project):
            if made is None:
                continue
            known = replace(made, said=remedy.text, remedy=number)
            if known.text is not None:
                return known
            told = told or known
    return told


def _patched(finding: Finding, source: Source, fix: Fix | None, nodes: Sequence[ast.AST] = ()) -> Patch | None:
    """Return the patch of a change, which shows the nodes that it is about, else the lines that it changes."""
    try:
        text = applied(source, fix) if fix else None
    except TrainAdvisorError:
        return None
    if not fix or text is None or unbound_since(source.text, text):
        return None
    places = [site_of(source, node) for node in nodes]
    return Patch(finding.code, text, source=source, sites=tuple(_once([*places, *_sites(source, fix)])[:MOST_SITES]))


def _once(sites: Sequence[Site]) -> list[Site]:
    found: dict[tuple[str, int | None], Site] = {}
    for site in sites:
        found.setdefault((site.file, site.line), site)
    return list(found.values())


def site_of(source: Source, node: ast.AST) -> Site:
    """Return the place of a node, with its first line and the columns of the node in it."""
    (line, start), (last, end) = span_of(source, node)
    text = source.lines[line - 1]
    return Site(
        file=source.name, line=line, source=text.rstrip(), column=start + 1,
        end_column=(end if last == line else len(text.rstrip())) + 1,
    )  # fmt: skip


def _sites(source: Source, fix: Fix) -> list[Site]:
    """Return the lines of a change: those that are replaced or taken away first, then those beside what is put."""
    ordered = sorted(fix, key=lambda span: (span.start == span.end, span.start))
    return [_site(source, span) for span in ordered]


def _site(source: Source, span: Span) -> Site:
    line, start = span.start
    if span.end[0] > line and not source.lines[line - 1][start:].strip(" ,"):
        line, start = line + 1, 0  # only the comma before it stands here
    text = source.lines[line - 1].rstrip()
    end = span.end[1] if span.end[0] == line else len(text)
    if "\n" in span.new or not text[start:end].strip():
        start, end = len(text) - len(text.lstrip()), len(text)
    return Site(file=source.name, line=line, source=text, column=start + 1, end_column=end + 1)


def _by_remedies(finding: Finding, source: Source, project: Project | None) -> Iterator[Patch | None]:
    """Yield the change of each remedy, the first-ranked one first."""
    for number in ranked(finding):
        remedy = finding.remedies[number]
        for made in _ways(finding, remedy, training_of(source), project):
            if made is not None:
                yield replace(made, said=remedy.text, remedy=number)


def _ways(finding: Finding, remedy: Remedy, training: Training, project: Project | None) -> Iterator[Patch | None]:
    """Yield what a remedy changes: the argument that its rule edits, its call, the argument that its change sets."""
    wanted = [w for edit in remedy.edits if (w := arguments.of_edit(training, edit)) is not None]
    insertion = INSERTIONS.get(remedy.change)
    if not wanted and insertion is not None:
        yield _with_recorded(finding, _patched(finding, training.source, insertion(training, dict(remedy.arguments))))
    number = next(place for place, other in enumerate(finding.remedies) if other is remedy)
    mended = FAULTS.get((finding.code, number))
    if not wanted and mended is not None:
        made = _with_recorded(finding, _patched(finding, training.source, mended(training, finding)))
        yield replace(made, guessed=mended in GUESSES) if made is not None else None
    lines = [site.line for site in finding.sites if site.line and site.file == training.source.name]
    wanted = wanted or list(arguments.of_remedy(training, remedy, lines))
    yield _set(finding, training, wanted, project)


def _with_recorded(finding: Finding, made: Patch | None) -> Patch | None:
    """Return a patch that shows the recorded places of its finding too, behind its own."""
    recorded = [_whole(made.source, site) for site in finding.sites] if made is not None and made.source else []
    more = [site for site in recorded if site is not None]
    return replace(made, sites=tuple(_once([*made.sites, *more])[:MOST_SITES])) if made else None


def _whole(source: Source, site: Site) -> Site | None:
    """Return a recorded place with its whole line."""
    if site.file != source.name or site.line is None or not 0 < site.line <= len(source.lines):
        return None
    text = source.lines[site.line - 1].rstrip()
    start = len(text) - len(text.lstrip())
    return site.model_copy(update={"source": text, "column": start + 1, "end_column": len(text) + 1})


def _set(
    finding: Finding, training: Training, wanted: Sequence[arguments.Wanted], project: Project | None
) -> Patch | None:
    """Return the patch that sets arguments where the person sets them."""
    others = [t for t in project.trainings() if t.source is not training.source] if project else []
    argv = project.argv if project else ()
    made = [s for w in wanted if (s := arguments.setting(training, w, others, argv)) is not None]
    spans = [s for s in made if s.span is not None]
    if spans:
        home = spans[0].training.source
        fix = tuple(dict.fromkeys(s.span for s in spans if s.span and s.training.source is home))
        found = _patched(finding, home, fix)
        calls = [site_of(training.source, s.shown) for s in spans if s.shown is not None]
        return replace(found, sites=tuple(_once([*found.sites, *calls])[:MOST_SITES])) if found else None
    origin = made[0].origin if made else None
    if origin is None:
        return None
    call = tuple(site_of(training.source, s.shown) for s in made[:1] if s.shown is not None)
    filed = _filed(finding, origin, made[0].value, project) if project and origin.kind in ("file", "lost") else None
    told = Patch(finding.code, kind=origin.kind, words=origin.words, value=made[0].value)
    return replace(filed or told, sites=(*(filed.sites if filed else ()), *call))


def _filed(finding: Finding, origin: Provenance, value: str, project: Project) -> Patch | None:
    """Return the patch of a configuration file, where just one of the run's has such a key."""
    keys = origin.keys or tuple(filter(None, [key_of(origin.words)]))
    entry = entry_in_files(project.config_files(project.files()), keys) if keys else None
    if entry is None or not Path(entry.path).suffix:
        return None
    source = plain(entry.path, str(entry.path))
    line = source.lines[entry.line - 1].rstrip()
    start = entry.start - (entry.text.rfind("\n", 0, entry.start) + 1)
    site = Site(file=source.name, line=entry.line, source=line, column=start + 1,
                end_column=start + 1 + entry.end - entry.start)  # fmt: skip
    return Patch(finding.code, entry.changed(value), "file", entry.words, value, source=source, sites=(site,))
