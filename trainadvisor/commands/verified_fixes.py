"""What `trainadvisor fix` takes from an earlier verify: the change that worked, and those that did not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.report.text.layout import clean
from trainadvisor.report.text.terminal import emit
from trainadvisor.source.reading import Source, plain
from trainadvisor.verify import earlier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Finding
    from trainadvisor.mending.patches import Patch
    from trainadvisor.mending.project import Project
    from trainadvisor.verify.verify_result import Verification, Verified


def texts(best: Verified, project: Project) -> list[tuple[Source, str]] | None:
    """Return the files that a verified change edits, with their new texts; None where its lines are others by now."""
    from trainadvisor.verify.permanent import changed

    found: list[tuple[Source, str]] = []
    for name in dict.fromkeys(edit.file for edit in best.edits):
        source = _file(name, project)
        text = changed(source.text, [edit for edit in best.edits if edit.file == name]) if source is not None else None
        if source is None or text is None:
            return None
        found.append((source, text))
    return found


def _file(name: str, project: Project) -> Source | None:
    """Return a file of the run below the current folder; a script only as it was then. A document names no others."""
    sources = project.files()
    if name.endswith(".py"):
        return next((source for source in sources if source.name == name), None)
    if name not in project.config_files(sources):
        return None
    try:
        path = Path(name)
        return plain(path, name) if path.resolve().is_relative_to(Path.cwd().resolve()) else None
    except (OSError, TrainAdvisorError):
        return None


def told(best: Verified, words: Words) -> str:
    """Return what the change is, what it brought, and what of it no line makes."""
    from trainadvisor.verify import outcome_words

    title = f"{best.code}{words('colon')}" if best.code else ""
    shown = words("fix.verified", told=outcome_words.told(best, words))
    elsewhere = [] if without_lines(best) else best.elsewhere
    return "\n  ".join(clean(line) for line in (f"{title}{best.text}", shown, *elsewhere))


def without_lines(best: Verified) -> bool:
    """Return whether verify knew no place of any of its changes, where `fix` may know one."""
    return best.unknown == 1 + len(best.combined_with)


def gone_on_with(best: Verified, findings: Sequence[Finding], words: Words) -> list[Finding]:
    """Tell what helped where verify knew no line of it, and return its finding, to be mended as without verify."""
    if not without_lines(best):
        return []
    emit(told(best, words))
    return [item for finding in findings for item in finding.walk() if item.code == best.code][:1]


def in_vain(finding: Finding, made: Patch, tried: Verification | None, words: Words) -> str:
    """Return a line that says that verify has tried just this and that it did not help."""
    number = made.remedy or 0
    if number >= len(finding.remedies):
        return ""
    remedy = finding.remedies[number]
    trial = earlier.vain(tried, remedy.change, remedy.arguments)
    return "\n  " + words("fix.in-vain", verdict=words(f"verify.{trial.verdict}")) if trial is not None else ""
