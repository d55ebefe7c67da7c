"""What the formats of a gate share: a diagnosis, which of its findings fail, and where they are in the code."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from trainadvisor.judge.result import Diagnosis, Edit, Finding, Site
    from trainadvisor.judge.rulebook import Rulebook


@dataclass(frozen=True)
class Entry:
    """One run; `fails` holds the codes that fail a gate, None where there is no gate."""

    diagnosis: Diagnosis
    fails: Collection[str] | None = None
    # Why a finding does not count, by code.
    excused: Mapping[str, str] = field(default_factory=dict)
    # Codes that the baseline holds too.
    known: Collection[str] = ()
    # Figures that a gate requires: the requirement, the sentence about it, whether it holds.
    required: Sequence[tuple[str, str, bool | None]] = ()

    @property
    def name(self) -> str:
        """Return what the run is called."""
        return str(self.diagnosis.run.get("log", "log"))

    def failing(self, finding: Finding) -> bool:
        """Return whether a finding fails: at a gate those it names, elsewhere every warning and error."""
        return finding.severity != "note" if self.fails is None else finding.code in self.fails

    def findings(self) -> Iterator[tuple[Finding, Finding | None]]:
        """Yield every finding, and the first-ranked one that explains it."""
        for finding in self.diagnosis.findings:
            yield finding, None
            for follower in finding.consequences():
                yield follower, finding

    def told(self) -> list[Finding]:
        """Return the findings that speak for themselves, the worst first: first-ranked ones, and those that fail."""
        gated = self.fails is not None
        chosen = [finding for finding, root in self.findings() if root is None or (gated and self.failing(finding))]
        return sorted(chosen, key=lambda finding: (not self.failing(finding), -Severity(finding.severity).rank))


def place(finding: Finding, folder: Path | None = None) -> tuple[str, int] | None:
    """Return file (relative, with slashes) and line of the code a finding is about, None where it is not known."""
    edits = tuple(edit for remedy in finding.remedies for edit in remedy.edits)
    marked = tuple(site for site in finding.sites if site.column)
    places: tuple[Edit | Site, ...] = (*marked, *edits, *finding.sites)
    known = ((place.file, place.line) for place in places if place.file.endswith(".py") and place.line is not None)
    file, line = next(known, ("", 0))
    path = _relative(file, folder or Path.cwd()) if line >= 1 else None
    return (path, line) if path else None


def marked_at(finding: Finding, path: str, line: int) -> Site | None:
    """Return the place of a finding in a line of a file, where the part that matters is known."""
    sites = (site for site in finding.sites if site.line == line and site.column)
    return next((site for site in sites if _relative(site.file, Path.cwd()) == path), None)


def _relative(name: str, folder: Path) -> str | None:
    path = Path(name)
    if path.is_absolute():
        if not path.is_relative_to(folder):
            return None
        path = path.relative_to(folder)
    text = str(PurePosixPath(*Path(os.path.normpath(path)).parts))
    return None if text.startswith("..") else text


def message(finding: Finding) -> str:
    """Return title, sentence and the first remedy as plain text."""
    parts = [finding.title.rstrip(".。"), finding.sentence]
    if finding.remedies:
        remedy = finding.remedies[0]
        parts.append(remedy.text + (f"\n{remedy.code}" if remedy.code else ""))
    return "\n".join(dict.fromkeys(part for part in parts if part))


def families(book: Rulebook, diagnosis: Diagnosis) -> dict[str, str]:
    """Return the family of each code, those of rules that the book lacks as the findings tell."""
    told = {finding.code: finding.family for finding, _ in Entry(diagnosis).findings()}
    return told | {code: rule.family for code, rule in book.rules.items()}
