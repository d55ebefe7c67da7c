"""What was found in sources, as the document that a diagnosis is: the same formats tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.i18n.language import say
from trainadvisor.judge.placeholders import fill
from trainadvisor.judge.result import Diagnosis, Edit, Finding, Kind, Language, Remedy, Site
from trainadvisor.judge.source_checks import texts
from trainadvisor.source.edits import applied
from trainadvisor.vocabulary import Confidence, Severity, State

LONGEST = 200

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from trainadvisor.judge.rulebook import Rule, Rulebook
    from trainadvisor.lint.pattern_declaration import Match
    from trainadvisor.source.reading import Source


@dataclass(frozen=True)
class Found:
    """A match in a source, with the code of its rule."""

    source: Source = field(repr=False)
    code: str
    match: Match

    def changed(self) -> str | None:
        """Return the text with the fault mended, None where there is no edit that comes out as Python."""
        try:
            return applied(self.source, self.match.fix) if self.match.fix else None
        except TrainAdvisorError:
            return None


def told(found: Iterable[Found], book: Rulebook, lang: str, read: int, unread: Iterable[str] = ()) -> Diagnosis:
    """Return what was found in some sources, in one language."""
    findings = [_finding(item, book.rules[item.code], lang) for item in found]
    missed = list(unread)
    worst = max((finding.severity for finding in findings), default=None)
    state = {Severity.ERROR: State.BROKEN, Severity.WARNING: State.NEEDS_ATTENTION}.get(worst or Severity.NOTE)
    clear = State.HEALTHY if read and not missed else State.CANNOT_TELL
    return Diagnosis(
        lang=cast("Language", lang),
        state=state or clear,
        summary=say("lint.summary", lang, found=len(findings), files=read, unread=_unread(len(missed), lang)),
        run={"log": "lint", "files": read},
        findings=findings,
        clear=[],
        notes=missed,
    )


def _unread(count: int, lang: str) -> str:
    return say("lint.unread", lang, count=count) if count else ""


def _finding(item: Found, rule: Rule, lang: str) -> Finding:
    said, values = texts(rule, lang, item.match.pattern), item.match.values.get
    sites = [site(item.source, node) for node in (item.match.node, item.match.other) if node is not None]
    return Finding(
        code=rule.code,
        family=rule.family,
        kind=cast("Kind", rule.kind),
        severity=Severity(rule.severity),
        confidence=Confidence.CERTAIN,
        title=rule.title(lang),
        sentence=fill(said["finding"], values, lang)[0],
        cause=rule.text("cause", lang) if "{" not in rule.text("cause", lang) else "",
        verify=rule.text("verify", lang) if "{" not in rule.text("verify", lang) else "",
        where=sites[0].where,
        sites=sites,
        remedies=[_remedy(item, rule, fill(said["remedy"], values, lang)[0])],
    )


def _remedy(item: Found, rule: Rule, text: str) -> Remedy:
    changed = item.changed()
    named = next((entry.get("change") for entry in rule.all_remedies), None)
    edits = list(edits_of(item.source, changed)) if changed is not None else []
    return Remedy(
        change=named or "edit",
        arguments={},
        applies="paste" if changed is not None else "adapt",
        text=text,
        code="\n".join(edit.diff() for edit in edits) or None,
        where=edits[0].where if edits else None,
        edits=edits,
    )


def site(source: Source, node: ast.AST) -> Site:
    """Return the place of a node, with its first line."""
    line = int(getattr(node, "lineno", 1))
    return Site(file=source.name, line=line, source=source.lines[line - 1].strip()[:LONGEST])


def edits_of(source: Source, changed: str) -> Iterable[Edit]:
    """Yield the stretches of lines that two texts differ in, as edits."""
    from difflib import SequenceMatcher

    old, new = source.lines, changed.split("\n")
    for kind, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "insert":
            anchor = old[first] if first < len(old) else ""
            yield Edit(file=source.name, line=first + 1, new="\n".join(new[start:end]), anchor=anchor)
        elif kind != "equal":
            gone = "\n".join(old[first:last])
            yield Edit(file=source.name, line=first + 1, old=gone, new="\n".join(new[start:end]))
