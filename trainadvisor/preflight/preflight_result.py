"""The result of a preflight, versioned; fields are only added."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trainadvisor.judge.result import Diagnosis  # noqa: TC001 - read by pydantic
from trainadvisor.vocabulary import Severity  # noqa: TC001 - (the same)

SCHEMA: Literal["trainadvisor/preflight/1"] = "trainadvisor/preflight/1"

# The checks without which the steps that were seen show little of whether the script learns.
TELLING = frozenset({"one-batch", "learning-rate"})

Outcome = Literal["pass", "fail", "undecided"]
State = Literal["passed", "failed", "not-judged"]
Figure = float | int | bool | str | None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Check(_Part):
    """One check of the first steps: its answer in a sentence, with the numbers and the codes of findings."""

    name: str
    state: State
    severity: Severity | None = None
    sentence: str
    figures: dict[str, Figure] = Field(default_factory=dict)
    findings: list[str] = Field(default_factory=list)


class Curve(_Part):
    """The loss along the rising learning rate of a range test."""

    rates: list[float]
    losses: list[float]
    smooth: list[float]


class LearningRate(_Part):
    """What the range test suggests; `own` is the largest rate of the script's first steps."""

    own: float | None = None
    suggestion: float | None = None
    steepest: float | None = None
    lowest: float | None = None
    divergence: float | None = None
    formula: str = "min(steepest descent, lowest loss / 10), after Smith 2017 (arXiv:1506.01186)"
    curve: Curve | None = None


class Preflight(_Part):
    """The verdict on the first steps of a script."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    version: Literal["trainadvisor/preflight/1"] = Field(default=SCHEMA, alias="schema")
    outcome: Outcome
    summary: str
    script: str
    argv: list[str]
    steps: int
    seconds: float
    budget: float
    checks: list[Check]
    learning_rate: LearningRate | None = None
    diagnosis: Diagnosis | None = None
    notes: list[str] = Field(default_factory=list)

    @property
    def mark(self) -> str:
        """Return the name of the word above the report: a run without a fault passes where it was tried as well."""
        return "open" if self.outcome == "pass" and unjudged(self.checks) else self.outcome


def unjudged(checks: list[Check]) -> list[Check]:
    """Return the checks of how the script learns that could not be judged."""
    return [check for check in checks if check.name in TELLING and check.state == "not-judged"]


def json_schema() -> dict[str, Any]:
    """Return the published JSON schema of a preflight."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Preflight.model_json_schema(by_alias=True, mode="serialization"),
    }
