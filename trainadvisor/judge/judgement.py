"""The result of judging a log, without language: codes, branches, names, numbers and places.

`trainadvisor.telling` puts it into words, in any language and as often as is wanted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from trainadvisor.judge.result import Applies, Edit, Site
from trainadvisor.judge.rulebook import WRITTEN, Rule, Rulebook
from trainadvisor.vocabulary import Confidence, Severity, State

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Proof:
    """One condition that held, with the values it was about."""

    condition: str
    values: dict[str, float | int | bool | str]


@dataclass(frozen=True)
class RuledOutCode:
    """A look-alike that is not the case; `number` is its place among those that the rule names, None without one."""

    code: str
    number: int | None = None


@dataclass(frozen=True)
class Unjudged:
    """A rule that could not be judged, why, and the signals that were absent."""

    code: str
    why: Literal["off", "context", "lacking", "failed", "short", "absent"]
    reason: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Advice:
    """A remedy of a rule, by its place in the rule, with what this run makes of it: edits of lines, or a snippet."""

    number: int
    change: str
    arguments: dict[str, Any]
    applies: Applies
    edits: tuple[Edit, ...] = ()
    snippet: str | None = None
    # What the framework calls it, where one drives the training.
    setting: str | None = None

    def in_words_of(self, setting: str, edit: Edit | None) -> Self:
        """Return the remedy as a framework's setting; its snippet and edits of plain torch are dropped."""
        edits = (edit,) if edit else ()
        applies: Applies = "paste" if edit else "adapt"
        return replace(self, setting=setting, edits=edits, snippet=None if edit else setting, applies=applies)


@dataclass(frozen=True)
class RivalCode:
    """A finding with the opposite remedy, and the change whose two directions separate the two."""

    code: str
    separating: str | None = None


@dataclass(frozen=True)
class Judged:
    """A rule that was found, with what follows from it; `values` are those that its texts are about."""

    code: str
    branch: str | None
    family: str
    severity: Severity
    confidence: Confidence
    values: Values
    sites: tuple[Site, ...] = ()
    subjects: tuple[str, ...] = ()
    onset: int | None = None
    evidence: tuple[Proof, ...] = ()
    ruled_out: tuple[RuledOutCode, ...] = ()
    not_judged: tuple[Unjudged, ...] = ()
    remedies: tuple[Advice, ...] = ()
    explains: tuple["Judged", ...] = ()
    also_explained_by: tuple[str, ...] = ()
    rival: RivalCode | None = None
    also_seen: bool = False

    def walk(self) -> Iterator["Judged"]:
        """Yield itself and everything that it explains, to any depth."""
        yield self
        for follower in self.explains:
            yield from follower.walk()


@dataclass(frozen=True)
class Remark:
    """A sentence to be told, by its kind and its values."""

    kind: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """What was found in a log; the rulebook is where its codes are explained."""

    rulebook: Rulebook = field(compare=False, repr=False)
    state: State
    summary: Remark
    run: dict[str, Any]
    # What speaks against calling the run healthy, the gravest first; empty for every healthy run.
    reasons: tuple[Remark, ...] = ()
    findings: tuple[Judged, ...] = ()
    clear: tuple[str, ...] = ()
    unknown: tuple[Unjudged, ...] = ()
    # Checks of what the training does not have.
    inapplicable: tuple[Unjudged, ...] = ()
    notes: tuple[Remark, ...] = ()

    def rule(self, code: str, branch: str | None = None) -> Rule:
        """Return the rule of a code, as it reads in one of its branches."""
        rule = self.rulebook.get(code)
        if branch == WRITTEN and rule.written is not None:
            return rule.written
        return next((variant for variant in rule.variants if branch and variant.branch == branch), rule)

    def __deepcopy__(self, memo: object) -> Self:
        """Return itself: nobody changes it."""
        return self
