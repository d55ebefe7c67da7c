"""The result of judging a log: what DESIGN calls a diagnosis, versioned; fields are only added."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trainadvisor.vocabulary import Confidence, Severity, State

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

    from trainadvisor.report.html.notebook_card import Pictures

SCHEMA: Literal["trainadvisor/diagnosis/1"] = "trainadvisor/diagnosis/1"

Kind = Literal["cause", "symptom"]
Applies = Literal["paste", "adapt", "try", "redesign"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Evidence(_Part):
    """One condition that held, with the values it was about."""

    condition: str
    values: dict[str, float | int | bool | str]
    text: str


class Remedy(_Part):
    """One thing to change; `change` and `arguments` are typed so that a re-run can apply it."""

    change: str
    arguments: dict[str, Any]
    applies: Applies
    text: str
    code: str | None = None
    where: str | None = None
    verified: dict[str, Any] | None = None


class RuledOut(_Part):
    """A look-alike that was judged and is not the case, with the reason."""

    code: str
    text: str


class Unknown(_Part):
    """A rule that could not be judged: the absent signals and how to record them, or why it does not apply."""

    code: str
    missing: list[str]
    how: str


class Rival(_Part):
    """A finding with the opposite remedy, and the test that separates the two."""

    code: str
    test: str


class Handling(_Part):
    """How a finding is handled by those who watch a run or try remedies, as its rule says; no part of the JSON."""

    phase: Literal["start", "course", "end"] = "course"
    measured_by: Literal["loss", "time", "memory"] = "loss"
    measures: tuple[str, ...] = ()
    general: Literal["finite", "labels"] | None = None
    separating: str | None = None
    """The change whose two directions separate it from its rival."""


class Finding(_Part):
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
    subjects: list[str] = Field(default_factory=list)
    onset: int | None = None
    evidence: list[Evidence] = Field(default_factory=list)
    ruled_out: list[RuledOut] = Field(default_factory=list)
    not_judged: list[Unknown] = Field(default_factory=list)
    remedies: list[Remedy] = Field(default_factory=list)
    explains: list["Finding"] = Field(default_factory=list)
    also_explained_by: list[str] = Field(default_factory=list)
    rival: Rival | None = None
    also_seen: bool = False
    branch: str | None = None
    handling: Handling = Field(default_factory=Handling, exclude=True)

    def walk(self) -> Iterator["Finding"]:
        """Yield the finding itself and everything that it explains, to any depth."""
        yield self
        yield from self.consequences()

    def consequences(self) -> Iterator["Finding"]:
        """Yield everything that the finding explains, to any depth."""
        for follower in self.explains:
            yield from follower.walk()


class Diagnosis(_Part):
    """The verdict on one log: `findings` is ordered, the first is the first-ranked root cause."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    version: Literal["trainadvisor/diagnosis/1"] = Field(default=SCHEMA, alias="schema")
    state: State
    summary: str
    run: dict[str, Any] = Field(default_factory=dict)
    findings: list[Finding] = Field(default_factory=list)
    clear: list[str] = Field(default_factory=list)
    unknown: list[Unknown] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)

    def walk(self) -> Iterator[Finding]:
        """Yield all findings, consequences included."""
        for finding in self.findings:
            yield from finding.walk()

    def __str__(self) -> str:
        """Return the report as text."""
        return self._repr_mimebundle_()["text/plain"]

    def _repr_html_(self) -> str:
        """Return the card that a notebook shows."""
        return self._repr_mimebundle_()["text/html"]

    def _repr_markdown_(self) -> str:
        """Return what a notebook shows where it shows no HTML."""
        return self._repr_mimebundle_()["text/markdown"]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Return every form at once; notebooks look for these methods on the object itself."""
        del include, exclude
        from trainadvisor.report.html.notebook_card import bundle

        return bundle(self)

    def report(self, path: "str | Path") -> "Path":
        """Write the report to a .html, .txt, .md, .json, .jsonl, .xml (JUnit) or .sarif file and return its path."""
        from trainadvisor import notebook

        return notebook.write(self, path)

    def show(self, layer: str | None = None) -> "Pictures":
        """Return the curves of the run, or of one layer, as still pictures; they are read from the log."""
        from trainadvisor import notebook

        return notebook.pictures(self, layer)

    def to_frame(self) -> "DataFrame":
        """Return the findings as a table, one row each; needs pandas."""
        from trainadvisor import notebook

        return notebook.frame(self)


def json_schema() -> dict[str, Any]:
    """Return the published JSON schema of a diagnosis."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Diagnosis.model_json_schema(by_alias=True, mode="serialization"),
    }
