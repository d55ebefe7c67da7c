"""What `verify.json` holds, versioned; fields are only added."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trainadvisor.judge.result import Edit  # noqa: TC001 - read by pydantic
from trainadvisor.redaction import ARGUMENTS, CODE, redacted

SCHEMA: Literal["trainadvisor/verify/1"] = "trainadvisor/verify/1"

# Fields that hold lines of the script: what is no literal text in them is no secret.
_LINES = {"diff", "old", "new", "anchor"}

Answer = Literal["verified", "promising", "none-helped", "nothing-to-cure", "not-judged"]
Verdict = Literal[
    "better",
    "little-better",
    "no-better",
    "worse",
    "refused",
    "failed",
    "hopeless",
    "ignored",
    "not-judged",
    "unfinished",
]
Curve = list[list[float]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings")


class Applied(_Part):
    """One change of a trial and its outcome in the re-run."""

    change: str
    arguments: dict[str, Any]
    applied: bool | None = None
    what: str | None = None
    refused: str | None = None


class Compared(_Part):
    """One metric with and without the changes; `gain` is positive where the change is better."""

    metric: str
    before: float
    after: float
    gain: float
    # The gain that counts as clearly better, measured from the scatter of the runs.
    margin: float
    better: bool
    worse: bool


class Trial(_Part):
    """One re-run."""

    name: str
    changes: list[Applied]
    code: str | None = None
    origin: str = "remedy"
    seed: int | None = None
    verdict: Verdict
    detail: str = ""
    steps: int = 0
    seconds: float = 0.0
    compared: list[Compared] = Field(default_factory=list)
    findings: list[str] = Field(default_factory=list)
    gone: list[str] = Field(default_factory=list)
    curve: Curve = Field(default_factory=list)
    log: str | None = None


class Baseline(_Part):
    """The unmodified script as it was run here."""

    state: str
    summary: str
    findings: list[str] = Field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    # Whether it was cut short at this step; then all trials were.
    cut: bool = False
    metrics: dict[str, float] = Field(default_factory=dict)
    seeds: list[int | None] = Field(default_factory=list)
    curve: Curve = Field(default_factory=list)
    log: str | None = None


class Verified(_Part):
    """A remedy that made the script's own metric clearly better."""

    change: str
    arguments: dict[str, Any]
    metric: str
    before: float
    after: float
    # 95 % interval of the gain; None if a run without the change gave no number.
    interval: list[float] | None
    seeds: int
    wins: int
    diff: str | None
    combined_with: list[Applied] = Field(default_factory=list)
    where: str | None = None
    edits: list[Edit] = Field(default_factory=list)
    # What the edits do not make, a sentence each: a value that is set elsewhere, a change whose line is not known.
    elsewhere: list[str] = Field(default_factory=list)
    # How many of the changes have lines that are not known, among those that `elsewhere` tells.
    unknown: int = 0
    code: str | None = None
    text: str = ""
    margin: float = 0.0
    # Standard deviation of the gain over the seeds.
    spread: float | None = None
    gone: list[str] = Field(default_factory=list)
    left: list[str] = Field(default_factory=list)
    others: list[Compared] = Field(default_factory=list)
    steps: int = 0
    # before and after: the training loss of every pair, as [step, loss].
    curves: dict[str, list[Curve]] = Field(default_factory=dict)


class Verification(_Part):
    """The complete result of verify."""

    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, serialize_by_alias=True, ser_json_inf_nan="strings"
    )

    version: Literal["trainadvisor/verify/1"] = Field(default=SCHEMA, alias="schema")
    answer: Answer
    sentence: str = ""
    baseline: Baseline
    trials: list[Trial] = Field(default_factory=list)
    verified: list[Verified] = Field(default_factory=list)
    ruled_out: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    target: str = ""
    args: list[str] = Field(default_factory=list)
    module: bool = False
    # The mark of the script's code, by which a later change is noticed.
    script_mark: str | None = None
    budget: float = 0.0
    seconds: float = 0.0
    engine: str = "local"
    interrupted: bool = False
    # Confidence of the first finding before and after the trials.
    confidence: dict[str, str] = Field(default_factory=dict)
    diagnosis: dict[str, Any] | None = None


def as_json(document: Verification) -> str:
    """Return the document as text, without the secrets that logs do not hold either."""
    held = json.loads(document.model_dump_json())
    told = redacted(held, code=CODE | _LINES, arguments=ARGUMENTS | {"args"})
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"
