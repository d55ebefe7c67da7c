"""The decision of a gate as text: how many checks there were, what fails, and what was passed over."""

from __future__ import annotations

import pytest

from trainadvisor.gate.decision import Policy, decide
from trainadvisor.judge.result import Diagnosis
from trainadvisor.report.text import gate_report


def diagnosis(*codes: str, clear: int = 0, unknown: int = 0, consequences: int = 0) -> Diagnosis:
    """Return a diagnosis with errors of these codes, the first with consequences, beside other checks."""
    base = {"family": "numerics", "kind": "cause", "severity": "error", "confidence": "certain", "sentence": "s"}
    below = [{**base, "code": f"below-{n}", "title": "t", "kind": "symptom"} for n in range(consequences)]
    found = [{**base, "code": code, "title": code, "explains": [] if n else below} for n, code in enumerate(codes)]
    return Diagnosis.model_validate({
        "state": "broken" if codes else "healthy", "summary": "s", "run": {"steps": 9}, "findings": found,
        "clear": [f"clear-{n}" for n in range(clear)],
        "unknown": [{"code": f"unknown-{n}", "missing": ["m"], "how": "h"} for n in range(unknown)],
    })  # fmt: skip


def text(*runs: Diagnosis, policy: Policy | None = None, width: int = 100) -> str:
    """Return the decision about runs as text."""
    chosen = policy or Policy()
    return gate_report.render(decide(list(runs), chosen), chosen, "en", width=width)


@pytest.mark.parametrize(
    ("run", "head"),
    [
        (diagnosis(clear=3, unknown=4), "3 of 7 checks made"),
        (diagnosis("a", clear=3, unknown=4), "1 of 8 checks"),
        (diagnosis("a", "b", clear=3, unknown=4, consequences=2), "2 of 11 checks"),
    ],
)
def test_every_check_is_counted_once(run: Diagnosis, head: str) -> None:
    """What was found with its consequences, what is clear, and what could not be judged."""
    assert text(run).splitlines()[0].endswith(head)


def test_of_several_runs_the_one_with_most_checks_counts() -> None:
    """And how many runs there are is said."""
    first = text(diagnosis(clear=3), diagnosis("a", clear=6, unknown=2)).splitlines()[0]
    assert "1 of 9 checks" in first
    assert "2 runs" in first


def test_what_passed_what_was_not_checked_and_consequences_are_told() -> None:
    """Consequences only where there are some, with the finding that they follow from."""
    told = text(diagnosis("a", "b", clear=3, unknown=4, consequences=2))
    assert "2 consequences of a (not counted)   pass 3   not checked 4" in told
    assert "1 consequence of a" in text(diagnosis("a", consequences=1))
    assert "(not counted)" not in text(diagnosis("a", clear=3))


def test_a_count_is_not_parted_from_its_noun() -> None:
    """However narrow the terminal is."""
    lines = text(diagnosis("a", "b", clear=3, unknown=14, consequences=2), width=40).splitlines()
    assert any(line.endswith("not checked 14") for line in lines)


def test_a_warning_that_explains_failing_findings_is_named_beside_them() -> None:
    """It is where to begin, although it does not fail itself; a cause that fails is told anyway."""
    run = diagnosis("a", consequences=2)
    assert "explained by" not in text(run)
    weak = run.findings[0].model_copy(update={"severity": "warning", "sentence": "the inputs are large"})
    told = text(run.model_copy(update={"findings": [weak]})).splitlines()
    place = told.index("  below-0, below-1: explained by a; begin there")
    assert told[place + 1].strip() == "the inputs are large"
