"""What `trainadvisor fix` does: findings become patches, a patch a diff, and the diff, if it is wanted, the file."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from trainadvisor.commands import verified_fixes
from trainadvisor.commands.offering import REFUSED, offer
from trainadvisor.errors import TrainAdvisorError, UsageError, did_you_mean
from trainadvisor.i18n.language import Words
from trainadvisor.judge.object_sites import recorded_sites
from trainadvisor.mending import notebook_files
from trainadvisor.mending.patches import Patch, patch_of_project
from trainadvisor.mending.project import Project, project_of
from trainadvisor.report.text.layout import clean
from trainadvisor.report.text.terminal import emit
from trainadvisor.source.reading import parse, read
from trainadvisor.verify import earlier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding, Site
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.source.reading import Source
    from trainadvisor.verify.verify_result import Verification, Verified


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command, as they were given."""

    yes: bool
    dry_run: bool
    every: bool
    code: str | None


def run(log: str | None, lang: str | None, folders: Sequence[str], options: Options) -> int:
    """Mend the files of a log's run and return the exit code."""
    from trainadvisor import configuration
    from trainadvisor.commands.common import judging, rulebook
    from trainadvisor.commands.runs import find
    from trainadvisor.i18n.language import choose
    from trainadvisor.telling import diagnose

    settings = configuration.load()
    words = Words(choose(lang, settings.lang))
    path = find(log)
    with judging(path, words.lang):
        diagnosis = diagnose(path, rules=list(folders), lang=words.lang, config=settings)
    told = _as_judged(diagnosis)
    found = _wanted(told, options)
    if not found:
        emit(words("fix.nothing", summary=diagnosis.summary))
        return 0
    project = project_of(diagnosis.run, told)
    book = rulebook(folders).configured(settings)
    cells = _cells(path) if project.script is None else []
    if cells:
        notebook = notebook_files.notebook_of(cells)
        if notebook is None:
            raise UsageError("this run was made in a notebook, and not just one notebook here holds its lines as they "
                             "were run; save it, change to its folder, and try again")  # fmt: skip
        project = Project(script=notebook.name, given={notebook.name: notebook})
        return _mend(project, [notebook_files.placed(item, notebook) for item in found], book, words, options)
    if not diagnosis.run.get("script"):
        raise UsageError(f"{path}: the log does not say which script wrote it, so there is no line to change; "
                         "record the script with `trainadvisor run train.py`")  # fmt: skip
    if project.script is None:
        raise UsageError(f"{diagnosis.run.get('script')}: the script of this run is not here; "
                         "change to its folder, and try again")  # fmt: skip
    _check(project, found)
    tried = earlier.read(project.script, project.argv, project.mark)
    best = earlier.proven(tried, options.code)
    if best is not None and not options.every:
        code = _as_verified(best, project, words, options)
        if code is not None:
            return _compared(code, path, words, options)
        found = verified_fixes.gone_on_with(best, told, words) or found
    adapted = {finding.code: finding for finding in diagnosis.walk()}
    code = _mend(project, found, book, words, options, adapted, tried)
    if code == REFUSED and _newer(project, path):
        emit(words("fix.newer", name=clean(str(project.script)), again=_target(project)))
    return _compared(code, path, words, options)


def _compared(code: int, log: Path, words: Words, options: Options) -> int:
    """Name the command that compares the next run with this one, where something was written."""
    if code == 0 and not options.dry_run:
        emit(words("fix.compare", log=clean(str(log))))
    return code


def _cells(path: Path) -> list[Site]:
    """Return the places in cells of a notebook that a log tells."""
    from trainadvisor.importers.foreign_logs import read_log

    try:
        recorded = recorded_sites(read_log(path))
    except TrainAdvisorError:
        return []
    return [site for site in recorded if notebook_files.CELL.match(site.file)]


def _newer(project: Project, log: Path) -> bool:
    """Return whether the script was written after the log."""
    try:
        return Path(str(project.script)).stat().st_mtime > log.stat().st_mtime
    except OSError:
        return False


def _as_judged(diagnosis: Diagnosis) -> list[Finding]:
    """Return the findings with the lines that were recorded, from which patches are made."""
    from trainadvisor.telling.told_findings import findings

    return findings(diagnosis.judgement, diagnosis.lang) if diagnosis.judgement is not None else diagnosis.findings


def _wanted(findings: Sequence[Finding], options: Options) -> list[Finding]:
    """Return the findings that are to be mended."""
    every = [inner for finding in findings for inner in finding.walk()]
    if options.code is None:
        return every if options.every else list(findings[:1])
    found = [finding for finding in every if finding.code == options.code]
    if not found:
        hint = did_you_mean(options.code, [finding.code for finding in every])
        raise UsageError(f"--code {options.code}: was not found in this run{hint}")
    return found


def _check(project: Project, found: Sequence[Finding]) -> None:
    """Raise UsageError where a line that the run recorded is another one now."""
    names = {project.script, *(site.file for finding in found for site in finding.sites)}
    for name in sorted(filter(None, names)):
        path = Path(name)
        if path.suffix != ".py" or path.is_absolute() or not path.is_file():
            continue
        source = read(path, name)
        if not project.unchanged(source):
            line = project.changed_line(source)
            if line is None:
                raise UsageError(f"{name}: has changed since the run; run it again first")
            raise UsageError(f"{name}: line {line} has changed since the run; run the script again first")


def _mend(
    project: Project,
    found: Sequence[Finding],
    book: Rulebook,
    words: Words,
    options: Options,
    adapted: Mapping[str, Finding] = MappingProxyType({}),
    tried: Verification | None = None,
) -> int:
    """Show the changes, each on top of those before it, and write what came of them.

    What is left to the person is told as in the report, where its code has the names of the script.
    """
    before: dict[str, Source] = {}
    after: dict[str, Source] = {}
    mended: list[str] = []
    waiting: list[str] = []
    for finding in found:
        made = patch_of_project(finding, replace(project, given={**project.given, **after}), book)
        source = made.source if made is not None else None
        if _waits(made, finding, found, before):
            waiting.append(finding.code)
        elif made is None or made.text is None or source is None:
            emit(_by_hand(made, adapted.get(finding.code, finding), project, words, tried))
        elif source.name not in after or not made.kind:
            before.setdefault(source.name, source)
            after[source.name] = replace(source, text=made.text) if made.kind else parse(made.text, source.name)
            said = f"\n  {made.said}" if made.said else ""
            known = verified_fixes.in_vain(finding, made, tried, words) or _experiment(
                finding, made.remedy, project, words, tried
            )
            mended.append(f"{finding.code}{words('colon')}{finding.title}{said}{known}")
    if not mended:
        return REFUSED
    emit("\n".join(clean(line) for told in mended for line in told.split("\n")))
    if waiting:
        emit(words("fix.waits", codes=", ".join(waiting)))
    written = [
        offer(source, after[name].text, words, yes=options.yes, dry_run=options.dry_run)
        for name, source in before.items()
    ]
    if max(written) == 0 and not options.dry_run:
        emit(words("fix.next-notebook" if _is_notebook(project) else "fix.next", name=_target(project)))
    return max(written)


def _waits(made: Patch | None, finding: Finding, found: Sequence[Finding], before: Mapping[str, Source]) -> bool:
    """Return whether a remedy has to wait for the run after the other changes.

    It is one of a consequence, which the change of the cause should clear, or of a line that another change wrote.
    What stands in the source as a fault does not wait.
    """
    if made is not None and made.remedy is None and made.text is not None:
        return False
    if any(inner is finding for cause in found for inner in cause.walk() if inner is not cause):
        return True
    first = before.get(made.source.name) if made is not None and made.source is not None else None
    return made is not None and first is not None and any(s.source not in first.lines for s in made.sites[:1])


def _as_verified(best: Verified, project: Project, words: Words, options: Options) -> int | None:
    """Write what verify has found to work; None where it knows no lines, or these are others by now."""
    texts = verified_fixes.texts(best, project)
    if texts is None or verified_fixes.without_lines(best):
        return None
    emit(verified_fixes.told(best, words))
    if not texts:
        return REFUSED
    written = [offer(source, text, words, yes=options.yes, dry_run=options.dry_run) for source, text in texts]
    if max(written) == 0 and not options.dry_run:
        emit(words("fix.next", name=_target(project)))
    return max(written)


def _experiment(
    finding: Finding, remedy: int | None, project: Project, words: Words, tried: Verification | None
) -> str:
    """Return a line that names the command which tries a remedy, where nothing but a trial tells whether it helps.

    What that command has found to work needs no other trial.
    """
    if remedy is None or remedy >= len(finding.remedies) or finding.remedies[remedy].applies != "try":
        return ""
    if _is_notebook(project) or earlier.proven(tried, finding.code) is not None:
        return ""  # a notebook is not run from outside
    return "\n  " + words("fix.try", code=finding.code, name=_target(project))


def _by_hand(made: Patch | None, finding: Finding, project: Project, words: Words, tried: Verification | None) -> str:
    """Return what the person can do where no line is written: the change, its place, and the command that tries it."""
    told = f"{finding.code}{words('colon')}{_advice(made, finding, words)}"
    if made is not None and made.kind:
        return told + _experiment(finding, 0, project, words, tried)
    code = (finding.remedies[0].code or "").rstrip() if finding.remedies else ""
    lines = [f"  {clean(finding.where)}"] if finding.where else []
    lines += [f"      {clean(line)}" for line in code.split("\n") if line.strip()]
    experiment = _experiment(finding, 0, project, words, tried).strip("\n")
    known = _is_notebook(project) or not _is_tried(finding) or earlier.proven(tried, finding.code) is not None
    lines += filter(None, [experiment or ("" if known else "  " + words("fix.tried", name=_target(project)))])
    return "\n".join([told, *lines])


def _is_tried(finding: Finding) -> bool:
    """Return whether a trial can make a change that the finding asks for, whole, from outside the script."""
    from trainadvisor.changes.catalogue import all_changes

    known = all_changes()
    return any(remedy.change in known and not known[remedy.change].partial for remedy in finding.remedies)


def _is_notebook(project: Project) -> bool:
    return str(project.script).endswith(notebook_files.ENDING)


def _target(project: Project) -> str:
    """Return what is to be run again, as on the command line: a script, or a module, with its arguments."""
    name = f"-m {project.module}" if project.module else str(project.script)
    return clean(" ".join([name, *map(shlex.quote, project.argv)]))


def _advice(made: Patch | None, finding: Finding, words: Words) -> str:
    """Return what the person can do where no line of the script is to be changed."""
    if made is not None and made.kind:
        return clean(words(f"fix.{made.kind}", words=made.words, value=made.value))
    text = finding.remedies[0].text if finding.remedies else finding.sentence
    return clean(words("fix.by-hand", text=text))
