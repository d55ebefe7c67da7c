"""The lines of findings: shown where the person would change them, and remedies as edits of these very lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.i18n.language import say
from trainadvisor.judge.placeholders import fill
from trainadvisor.judge.result import Remedy
from trainadvisor.judge.source_checks import texts
from trainadvisor.lint.pattern_catalogue import patterns
from trainadvisor.mending.own_names import names_for, renamed
from trainadvisor.mending.patches import Patch, of_pattern, of_remedy, ranked, shown
from trainadvisor.mending.project import project_of, training_of
from trainadvisor.redaction import redact
from trainadvisor.telling.told_sources import edits_of
from trainadvisor.vocabulary import Confidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from trainadvisor.judge.result import Finding, Site
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.mending.notebook_cells import Cells
    from trainadvisor.mending.project import Project

# Findings and remedies that are told in full.
MOST_FINDINGS = 3
MOST_REMEDIES = 3
# How a sentence goes on.
JOINTS = {"en": (".", ": ", "."), "zh": ("。", "：", "。")}


def prepare() -> None:
    """Load now what the first findings would have to load."""
    patterns()


def with_lines(findings: Sequence[Finding], run: Mapping[str, Any], book: Rulebook, lang: str) -> list[Finding]:
    """Return findings with the lines of the scripts, as far as these are here and what they were in the run."""
    try:
        return _in_project(findings, project_of(run, findings), book, lang)
    except (OSError, ValueError, RecursionError, TrainAdvisorError):
        return list(findings)  # a folder that is gone, or names that no file can have


def _in_project(findings: Sequence[Finding], project: Project, book: Rulebook, lang: str) -> list[Finding]:
    if not findings or not project.is_here:
        return list(findings)
    told = [number for number, finding in enumerate(findings) if not finding.also_seen][:MOST_FINDINGS]
    return [
        _with_lines(finding, project, book, lang) if number in told else finding
        for number, finding in enumerate(findings)
    ]


def _with_lines(finding: Finding, project: Project, book: Rulebook, lang: str) -> Finding:
    sources = project.files([site.file for site in finding.sites])
    if not sources:
        return finding
    seen = next((made for source in sources if (made := of_pattern(finding, source, book)) is not None), None)
    ways = [of_remedy(finding, number, project, sources) for number in range(len(finding.remedies[:MOST_REMEDIES]))]
    ways = _without_repeats(seen if seen is not None and seen.code == finding.code else None, ways)
    remedies = [
        _remedy(remedy, made, lang) for remedy, made in zip(finding.remedies[: len(ways)], ways, strict=True)
    ] + finding.remedies[len(ways) :]
    if seen is not None:
        remedies = _with_pattern(finding, remedies, seen, book, lang)
    known = [ways[number] for number in ranked(finding) if number < len(ways)]
    own = names_for([training_of(source) for source in sources])
    remedies = [_in_own_names(remedy, own) for remedy in remedies]
    first = next((made for made in (seen, *known) if made is not None), None)
    sites = shown(finding, first, sources)
    if project.cells is not None:
        sites = [project.cells.located(site) for site in sites]
        remedies = [_in_cells(remedy, project.cells) for remedy in remedies]
    sites, remedies = [_without_secrets(site) for site in sites], [_safe(remedy) for remedy in remedies]
    where = sites[0].where if sites else None
    surer = _surer(finding.confidence) if seen is not None else finding.confidence
    return finding.model_copy(update={"sites": sites, "where": where, "remedies": remedies, "confidence": surer})


def _without_repeats(seen: Patch | None, ways: Sequence[Patch | None]) -> list[Patch | None]:
    """Return the ways of the remedies without those whose lines one before them has written already."""
    texts: set[str] = set()
    kept: list[Patch | None] = []
    for number, made in enumerate(ways):
        first = seen if number == 0 and seen is not None else made
        text = first.text if first is not None else None
        kept.append(made if text is None or text not in texts else None)
        texts |= {text} if text is not None else set()
    return kept


def _surer(confidence: Confidence) -> Confidence:
    """Return the next higher confidence: the source shows what the run has suggested."""
    return Confidence.CERTAIN if confidence != Confidence.POSSIBLE else Confidence.LIKELY


def _without_secrets(site: Site) -> Site:
    """Return a place whose line shows no secret; its marks go where they would not fit."""
    shown = redact(site.source or "", code=True)
    if shown == (site.source or ""):
        return site
    return site.model_copy(update={"source": shown, "column": None, "end_column": None})


def _safe(remedy: Remedy) -> Remedy:
    """Return a remedy whose edits show no secret."""
    parts = ("old", "new", "anchor")
    hidden = [
        edit.model_copy(update={part: redact(text, code=True) for part in parts if (text := getattr(edit, part))})
        for edit in remedy.edits
    ]
    if hidden == remedy.edits:
        return remedy
    return remedy.model_copy(update={"edits": hidden, "code": "\n".join(edit.diff() for edit in hidden)})


def _in_own_names(remedy: Remedy, own: Mapping[str, str]) -> Remedy:
    """Return a remedy whose code and calls have the names of the script; an edit has them already."""
    code = remedy.code if remedy.edits or remedy.code is None else renamed(remedy.code, own, code=True)
    return remedy.model_copy(update={"text": renamed(remedy.text, own, code=False), "code": code})


def _in_cells(remedy: Remedy, cells: Cells) -> Remedy:
    """Return a remedy with the places of its edits in the cells of a notebook."""
    edits = [cells.located(edit) for edit in remedy.edits]
    return remedy.model_copy(update={"edits": edits, "where": edits[0].where if edits else remedy.where})


def _remedy(remedy: Remedy, made: Patch | None, lang: str) -> Remedy:
    """Return a remedy with its edit, or with the words on where the person sets the value."""
    if made is None:
        gone: dict[str, Any] = {"edits": [], "code": None, "applies": "adapt", "where": None}
        return remedy.model_copy(update=gone) if remedy.edits else remedy
    if made.text is not None:
        return remedy.model_copy(update=_edited(made))
    end, joint, stop = JOINTS[lang]
    said = say(f"fix.{made.kind}", lang, words=made.words, value=made.value)
    text = f"{remedy.text.removesuffix(end)}{joint}{said}{stop}"
    return remedy.model_copy(update={"text": text, "edits": [], "code": None, "applies": "adapt", "where": None})


def _edited(made: Patch) -> dict[str, Any]:
    edits = list(edits_of(made.source, made.text)) if made.source is not None and made.text is not None else []
    return {
        "edits": edits,
        "code": "\n".join(edit.diff() for edit in edits) or None,
        "applies": "try" if made.guessed else "paste",
        "where": edits[0].where if edits else None,
    }


def _with_pattern(finding: Finding, remedies: list[Remedy], seen: Patch, book: Rulebook, lang: str) -> list[Remedy]:
    """Return the remedies with the edit that lint knows: that of the first one, or one of its own before them."""
    if remedies and seen.code == finding.code:
        return [remedies[0].model_copy(update=_edited(seen)), *remedies[1:]]
    text = fill(texts(book.rules[seen.code], lang, seen.pattern)["remedy"], seen.values.get, lang)[0]
    plain = Remedy(change="edit", arguments={}, applies="paste", text=text)
    return [plain.model_copy(update=_edited(seen)), *remedies]
