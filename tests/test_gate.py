"""The decision itself: which findings speak for themselves, and which are answered for by their cause."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from trainadvisor.gate import baseline
from trainadvisor.gate.decision import Policy, decide
from trainadvisor.judge.result import Diagnosis
from trainadvisor.settings import Accepted


def finding(code: str, severity: str = "error", confidence: str = "certain", **more: Any) -> dict[str, Any]:
    """Return a finding."""
    base = {"family": "numerics", "kind": "cause", "title": code, "sentence": code}
    return {**base, "code": code, "severity": severity, "confidence": confidence, **more}


def run(*findings: dict[str, Any], **facts: Any) -> Diagnosis:
    """Return a diagnosis of some findings."""
    fields = {"state": "broken", "summary": "s", "run": {"steps": 100, **facts}, "findings": list(findings)}
    return Diagnosis.model_validate({**fields, "clear": ["dead-relu"]})


def failing(diagnosis: Diagnosis, policy: Policy, known: baseline.Baseline | None = None) -> list[str]:
    """Return the codes that fail."""
    return [item.finding.code for item in decide([diagnosis], policy, known).runs[0].failing]


def test_a_failing_cause_answers_for_its_consequences() -> None:
    """They are not counted again."""
    assert failing(run(finding("cause", explains=[finding("effect")])), Policy()) == ["cause"]


@pytest.mark.parametrize("change", [{"severity": "warning"}, {"confidence": "possible"}])
def test_below_the_gate_a_cause_answers_for_nothing(change: dict[str, str]) -> None:
    """An error does not pass because a weak finding explains it."""
    diagnosis = run(finding("cause", **change, explains=[finding("effect", explains=[finding("further")])]))
    assert failing(diagnosis, Policy()) == ["effect"]


def test_ignoring_a_cause_leaves_its_consequences() -> None:
    """Accepting it with a reason does not."""
    diagnosis = run(finding("cause", explains=[finding("effect")]))
    assert failing(diagnosis, Policy(ignore=("cause",))) == ["effect"]
    assert failing(diagnosis, Policy(accept=(Accepted("cause", "by design"),))) == []


def test_a_consequence_can_be_selected() -> None:
    """A requested code is answered even where it is a consequence."""
    assert failing(run(finding("cause", explains=[finding("effect")])), Policy(select=("effect",))) == ["effect"]


@pytest.mark.parametrize(
    ("day", "codes"), [(date(2026, 12, 31), []), (date(2027, 1, 1), []), (date(2027, 1, 2), ["a"])]
)
def test_an_acceptance_holds_through_its_last_day(day: date, codes: list[str]) -> None:
    """And no longer."""
    policy = Policy(accept=(Accepted("a", "by design", date(2027, 1, 1)),), today=day)
    assert failing(run(finding("a")), policy) == codes


def test_twins_in_other_layers_are_known_by_their_pattern() -> None:
    """Numbers in names do not count; another module does."""
    known = baseline.make([run(finding("a", subjects=["blocks.0.conv1"]))])
    assert failing(run(finding("a", subjects=["blocks.7.conv2"])), Policy(), known) == []
    assert failing(run(finding("a", subjects=["head.fc"])), Policy(), known) == ["a"]


def test_a_changed_threshold_makes_a_finding_new() -> None:
    """It is not the same judgement any more."""
    known = baseline.make([run(finding("a"))], {"a": {"x": 1}})
    assert failing(run(finding("a")), Policy(settings={"a": {"x": 1}}), known) == []
    assert failing(run(finding("a")), Policy(settings={"a": {"x": 2}}), known) == ["a"]


def test_an_entry_is_fixed_only_when_its_rule_was_judged() -> None:
    """What could not be checked may still be there."""
    known = baseline.Baseline({"1": baseline.Entry("dead-relu", "error"), "2": baseline.Entry("plateau", "error")})
    assert decide([run()], Policy(), known).fixed == ("dead-relu",)


@pytest.mark.parametrize("field", ["model_hash", "examples", "batch_median", "planned_steps"])
def test_each_field_of_the_workload_ends_the_comparison(field: str) -> None:
    """A field that one of the two lacks does not."""
    known = baseline.make([run(**{field: 1})])
    assert decide([run(**{field: 2})], Policy(), known).outcome == "undecided"
    assert decide([run(**{field: 1})], Policy(), known).outcome == "pass"
    assert decide([run()], Policy(), known).outcome == "pass"


@pytest.mark.parametrize(("most", "outcome"), [(None, "pass"), (2, "pass"), (1, "undecided")])
def test_more_checks_unmade_than_allowed_leave_the_gate_undecided(most: int | None, outcome: str) -> None:
    """With how many there are."""
    unknown = [{"code": code, "missing": ["x"], "how": "the recorder"} for code in ("a", "b")]
    seen = Diagnosis.model_validate({**run().model_dump(), "state": "healthy", "unknown": unknown})
    decision = decide([seen], Policy(max_unchecked=most))
    told = [(reason.key, dict(reason.values)) for reason in decision.runs[0].reasons]
    assert decision.outcome == outcome
    assert told == ([("gate.many-unchecked", {"count": 2, "most": 1})] if outcome == "undecided" else [])


def test_a_failing_run_fails_however_many_checks_are_unmade() -> None:
    """What was found counts more than what was not looked at."""
    unknown = [{"code": "b", "missing": ["x"], "how": "the recorder"}]
    seen = Diagnosis.model_validate({**run(finding("a")).model_dump(), "unknown": unknown})
    assert decide([seen], Policy(max_unchecked=0)).outcome == "fail"
