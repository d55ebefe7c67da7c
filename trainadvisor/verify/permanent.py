"""Where the changes of a candidate are made for good: in files of the person's own, else where they set a value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.judge.result import Finding, Remedy
from trainadvisor.mending.patches import of_pattern, of_remedy
from trainadvisor.mending.project import Project, project_of
from trainadvisor.source.reading import parse
from trainadvisor.telling.told_findings import findings as as_judged
from trainadvisor.telling.told_sources import edits_of
from trainadvisor.verify import source_edits
from trainadvisor.vocabulary import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis, Edit
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.log.reader import RunLog
    from trainadvisor.mending.patches import Patch
    from trainadvisor.source.reading import Source
    from trainadvisor.trials.jobs import Change
    from trainadvisor.verify.plan import Candidate


@dataclass(frozen=True)
class Permanent:
    """The files before and after, values that are set elsewhere, and changes that are the person's to make."""

    before: dict[str, Source] = field(default_factory=dict)
    after: dict[str, Source] = field(default_factory=dict)
    outside: tuple[Patch, ...] = ()
    # The places, among the changes of the candidate, of those whose lines are not known.
    unknown: tuple[int, ...] = ()

    @property
    def whole(self) -> bool:
        """Return whether the files alone make all that the trial made."""
        return bool(self.after) and not self.outside and not self.unknown

    @property
    def edits(self) -> list[Edit]:
        """Return the changed lines of all files."""
        return [edit for name, source in self.before.items() for edit in edits_of(source, self.after[name].text)]

    def with_file(self, source: Source, text: str) -> Permanent:
        """Return it with another text of a file."""
        changed = replace(source, text=text) if not source.name.endswith(".py") else parse(text, source.name)
        before = {source.name: source} | self.before
        return replace(self, before=before, after={**self.after, source.name: changed})


@dataclass(frozen=True)
class Place:
    """What is known of the script: its diagnosis and log, and its text as it was run."""

    diagnosis: Diagnosis
    log: RunLog
    target: str
    text: str | None = None

    def project(self, findings: Sequence[Finding]) -> Project:
        """Return the files of the run; the script is the one that was run, whatever has become of it since."""
        project = project_of(self.log_facts, findings)
        if self.text is None or project.script is None:
            return project
        try:
            return replace(project, given={project.script: parse(self.text, project.script)})
        except TrainAdvisorError:
            return project

    @property
    def log_facts(self) -> dict[str, object]:
        """Return what the log says of the script."""
        return {name: self.log.header.get(name) for name in ("script", "argv", "script_mark")}


def permanent(candidate: Candidate, place: Place) -> Permanent:
    """Return how all changes of a candidate are made for good, each on top of those before it."""
    judgement = place.diagnosis.judgement
    found = as_judged(judgement, place.diagnosis.lang) if judgement is not None else place.diagnosis.findings
    project, book = place.project(found), _book(place.diagnosis)
    made = Permanent()
    for number, (change, _) in enumerate(candidate.parts):
        finding, remedy = _asked(change, candidate.code, found)
        now = replace(project, given={**project.given, **made.after})
        patch = _patch(finding, remedy, now, book)
        told = _with(made, number, change, patch, place, now)
        cause = _of_cause(finding, remedy, now, book) if patch is None and told.unknown != made.unknown else None
        made = _with(made, number, change, cause, place, now) if cause is not None else told
    return made


def _book(diagnosis: Diagnosis) -> Rulebook | None:
    return diagnosis.judgement.rulebook if diagnosis.judgement is not None else None


def _asked(change: Change, code: str | None, found: Sequence[Finding]) -> tuple[Finding, int]:
    """Return the finding whose remedy a change is, that of the candidate first, else one made up for it."""
    every = [inner for finding in found for inner in finding.walk()]
    for finding in sorted(every, key=lambda finding: finding.code != code):
        for number, remedy in enumerate(finding.remedies):
            if (remedy.change, remedy.arguments) == (change.change, change.arguments):
                return finding, number
    own = next((finding for finding in every if finding.code == code), None)
    remedy = Remedy(change=change.change, arguments=dict(change.arguments), applies="try", text="")
    made_up = Finding(
        code="", family="", kind="cause", severity=Severity.NOTE, confidence=Confidence.POSSIBLE, title="", sentence="",
        sites=list(own.sites) if own is not None else [], remedies=[remedy],
    )  # fmt: skip
    return made_up, 0


def _patch(finding: Finding, number: int, project: Project, book: Rulebook | None) -> Patch | None:
    """Return the patch of a remedy as a report shows it: what lint finds under its code stands for the first one."""
    sources = project.files([site.file for site in finding.sites])
    own = next((seen for seen in _seen(finding, number, sources, book) if seen.code == finding.code), None)
    return own or of_remedy(finding, number, project, sources)


def _of_cause(finding: Finding, number: int, project: Project, book: Rulebook | None) -> Patch | None:
    """Return how lint mends a cause of the finding, which a remedy without lines of its own asks for in words.

    What a finding only tries is another change than that.
    """
    if finding.remedies[number].applies == "try":
        return None
    return next(_seen(finding, number, project.files([site.file for site in finding.sites]), book), None)


def _seen(finding: Finding, number: int, sources: Sequence[Source], book: Rulebook | None) -> Iterator[Patch]:
    """Yield what lint finds of a finding, which stands for its first remedy."""
    if number == 0 and finding.code and book is not None:
        yield from filter(None, (of_pattern(finding, source, book) for source in sources))


def _with(
    made: Permanent, number: int, change: Change, patch: Patch | None, place: Place, project: Project
) -> Permanent:
    """Return what is known with one more change in it."""
    if patch is not None and patch.text is not None and patch.source is not None:
        text = _on_top(patch, made)
        return made.with_file(patch.source, text) if text is not None else _left(made, number)
    if patch is not None and patch.kind in ("option", "file"):
        return replace(made, outside=(*made.outside, patch))
    written = _by_log(made, change, place, project)
    if written is not None:
        return written
    return replace(made, outside=(*made.outside, patch)) if patch is not None and patch.kind else _left(made, number)


def _by_log(made: Permanent, change: Change, place: Place, project: Project) -> Permanent | None:
    """Return what is known with a change of the lines that the log has recorded, None where there are none."""
    script = project.source(project.script) if project.script is not None else None
    found = source_edits.patches(change, place.log, script.text if script is not None else place.text, place.target)
    for name in dict.fromkeys(patch.file for patch in found):
        source = script if script is not None and name == script.name else project.source(name)
        text = source_edits.apply([p for p in found if p.file == name], source.text, name) if source else None
        if source is None or text is None:
            return None
        made = made.with_file(source, text)
    return made if found else None


def _left(made: Permanent, number: int) -> Permanent:
    return replace(made, unknown=(*made.unknown, number))


def _on_top(patch: Patch, made: Permanent) -> str | None:
    """Return the new text of a file; a value of a configuration file goes on top of those before it."""
    source, text = patch.source, patch.text
    now = made.after.get(source.name) if source is not None else None
    if source is None or text is None or now is None or not patch.kind:
        return text
    return changed(now.text, list(edits_of(source, text)))


def changed(text: str, edits: Sequence[Edit]) -> str | None:
    """Return a text with lines exchanged, from the last to the first; None where one is another by now."""
    lines = text.split("\n")
    for edit in sorted(edits, key=lambda edit: edit.line or 0, reverse=True):
        held = (edit.old if edit.old is not None else edit.anchor or "").split("\n")
        first = (edit.line or 0) - 1
        now = lines[first : first + len(held)] if 0 <= first < len(lines) else None
        if now != held:
            return None
        come = edit.new.split("\n") if edit.new or edit.old is None else []
        lines[first : first + len(held)] = come if edit.old is not None else [*come, *held]
    return "\n".join(lines)
