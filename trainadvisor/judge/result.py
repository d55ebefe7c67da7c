"""A diagnosis as a document: a judgement told in one language, versioned; fields are only added."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from trainadvisor.judge.typed_document import HIDDEN, TypedDocument
from trainadvisor.vocabulary import Confidence, Severity, State

SCHEMA: Literal["trainadvisor/diagnosis/1"] = "trainadvisor/diagnosis/1"

Kind = Literal["cause", "symptom", "expected"]
Language = Literal["en", "zh"]
Applies = Literal["paste", "adapt", "try", "redesign"]


@dataclass(kw_only=True)
class Evidence(TypedDocument):
    """One condition that held, with the values it was about."""

    condition: str
    values: dict[str, float | int | bool | str]
    text: str


@dataclass(kw_only=True)
class Site(TypedDocument):
    """A place in the user's code, with the line as it was recorded."""

    file: str
    line: int | None = None
    function: str | None = None
    source: str | None = None
    # Of the part that matters, from 1; `source` is then the whole line.
    column: int | None = None
    end_column: int | None = None

    @property
    def where(self) -> str:
        """Return "train.py:41"."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(kw_only=True)
class Edit(TypedDocument):
    """A change of the user's code: a line replaced, or, with an anchor instead of an old one, lines put before it."""

    file: str
    line: int | None = None
    old: str | None = None
    new: str
    anchor: str | None = None

    @property
    def where(self) -> str:
        """Return "train.py:41"."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def diff(self) -> str:
        """Return the lines that go and come, and the one before which they are put."""
        gone = [] if self.old is None else [f"- {line}" for line in self.old.split("\n")]
        stays = [] if self.anchor is None else [f"  {self.anchor}"]
        come = (
            self.new.split("\n") if self.new or self.old is None else []
        )  # nothing comes in place of lines taken away
        return "\n".join([*gone, *(f"+ {line}".rstrip() for line in come), *stays])


@dataclass(kw_only=True)
class Remedy(TypedDocument):
    """One thing to change; `change` and `arguments` are typed so that a re-run can apply it."""

    change: str
    arguments: dict[str, Any]
    applies: Applies
    text: str
    code: str | None = None
    where: str | None = None
    edits: list[Edit] = field(default_factory=list)
    verified: dict[str, Any] | None = None


@dataclass(kw_only=True)
class RuledOut(TypedDocument):
    """A look-alike that was judged and is not the case, with the reason."""

    code: str
    text: str


@dataclass(kw_only=True)
class Unknown(TypedDocument):
    """A rule that could not be judged: the absent signals and how to record them, or why it does not apply."""

    code: str
    missing: list[str]
    how: str


@dataclass(kw_only=True)
class Rival(TypedDocument):
    """A finding with the opposite remedy, and the test that separates the two."""

    code: str
    test: str


@dataclass(kw_only=True)
class Handling(TypedDocument):
    """How a finding is handled by those who watch a run or try remedies, as its rule says; no part of the JSON."""

    phase: Literal["start", "course", "end"] = "course"
    # What kind of evidence the rule judges by, a word of `vocabulary.Evidence`.
    evidence: str = "statistical"
    measured_by: Literal["loss", "time", "memory"] = "loss"
    measures: tuple[str, ...] = ()
    general: Literal["finite", "labels"] | None = None
    # The change whose two directions separate it from its rival.
    separating: str | None = None


@dataclass(kw_only=True)
class Finding(TypedDocument):
    """Something found; its consequences stand in `explains`, to any depth."""

    code: str
    family: str
    kind: Kind
    severity: Severity
    confidence: Confidence
    title: str
    sentence: str
    cause: str = ""
    verify: str = ""
    where: str | None = None
    sites: list[Site] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    onset: int | None = None
    evidence: list[Evidence] = field(default_factory=list)
    ruled_out: list[RuledOut] = field(default_factory=list)
    not_judged: list[Unknown] = field(default_factory=list)
    remedies: list[Remedy] = field(default_factory=list)
    explains: list["Finding"] = field(default_factory=list)
    also_explained_by: list[str] = field(default_factory=list)
    rival: Rival | None = None
    also_seen: bool = False
    branch: str | None = None
    handling: Handling = field(default_factory=Handling, metadata=HIDDEN)
    # What the texts are about, by name: a change of the script reads it here, not in a sentence; no part of the JSON.
    values: dict[str, Any] = field(default_factory=dict, metadata=HIDDEN)

    def __post_init__(self) -> None:
        """Take a word for the level that it names."""
        self.severity, self.confidence = Severity(self.severity), Confidence(self.confidence)

    def walk(self) -> Iterator["Finding"]:
        """Yield the finding itself and everything that it explains, to any depth."""
        yield self
        yield from self.consequences()

    def consequences(self) -> Iterator["Finding"]:
        """Yield everything that the finding explains, to any depth."""
        for follower in self.explains:
            yield from follower.walk()


@dataclass(kw_only=True)
class Reason(TypedDocument):
    """What speaks against calling a run healthy, and the one or two things that would decide it."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)
    text: str
    decides: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Diagnosis(TypedDocument):
    """The verdict on one log: `findings` is ordered, the first is the first-ranked root cause."""

    version: Literal["trainadvisor/diagnosis/1"] = field(default=SCHEMA, metadata={"alias": "schema"})
    lang: Language = "en"
    state: State
    summary: str
    run: dict[str, Any] = field(default_factory=dict)
    # Empty for every healthy run; the gravest first.
    reasons: list[Reason] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    clear: list[str] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    # Checks of what the training does not have; they are counted apart.
    inapplicable: list[Unknown] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    # What it tells; it can be told in another language too. None where it was read from JSON.
    _judgement: ClassVar[Any] = None

    def __post_init__(self) -> None:
        """Take a word for the state that it names."""
        self.state = State(self.state)

    def walk(self) -> Iterator[Finding]:
        """Yield all findings, consequences included."""
        for finding in self.findings:
            yield from finding.walk()

    @property
    def judgement(self) -> Any:
        """Return the judgement that it tells, None where it was read from JSON."""
        return self._judgement

    def telling(self, judgement: object) -> Self:
        """Remember the judgement that it tells, and return itself."""
        vars(self)["_judgement"] = judgement
        return self


def json_schema() -> dict[str, Any]:
    """Return the published JSON schema of a diagnosis."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Diagnosis.model_json_schema(by_alias=True, mode="serialization"),
    }
