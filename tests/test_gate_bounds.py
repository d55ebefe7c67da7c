"""The decision of a gate at its bounds: severities, figures, several runs, and what is not known."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from trainadvisor.errors import UsageError
from trainadvisor.gate import baseline
from trainadvisor.gate import policy as policies
from trainadvisor.gate.decision import Decision, Policy, decide
from trainadvisor.judge.result import Diagnosis
from trainadvisor.requirements import parse
from trainadvisor.settings import Accepted


def finding(code: str, severity: str = "error", confidence: str = "certain", **more: Any) -> dict[str, Any]:
    """Return a finding."""
    base = {"family": "numerics", "kind": "cause", "title": code, "sentence": code}
    return {**base, "code": code, "severity": severity, "confidence": confidence, **more}


def run(*findings: dict[str, Any], state: str = "broken", **facts: Any) -> Diagnosis:
    """Return a diagnosis with these findings and facts of the run."""
    fields = {"state": state, "summary": "s", "run": {"steps": 100, **facts}, "findings": list(findings)}
    return Diagnosis.model_validate(fields)


def statuses(decision: Decision) -> list[tuple[str, str, str]]:
    """Return what became of the findings of the first run."""
    return [(item.finding.code, item.status, item.note) for item in decision.runs[0].items]


LEVELS = ["note", "warning", "error"]
SURE = ["possible", "likely", "certain"]


@pytest.mark.parametrize("severity", LEVELS)
@pytest.mark.parametrize("least", [*LEVELS, "never"])
def test_a_finding_fails_from_its_level_on(severity: str, least: str) -> None:
    """Never is above all."""
    fails = [*LEVELS, "never"].index(severity) >= [*LEVELS, "never"].index(least)
    assert decide([run(finding("a", severity))], Policy(fail_on=least)).outcome == ("fail" if fails else "pass")


@pytest.mark.parametrize("confidence", SURE)
@pytest.mark.parametrize("least", SURE)
def test_a_finding_fails_from_its_confidence_on(confidence: str, least: str) -> None:
    """Possible ones only where that is asked for."""
    fails = SURE.index(confidence) >= SURE.index(least)
    decision = decide([run(finding("a", confidence=confidence))], Policy(min_confidence=least))
    assert decision.outcome == ("fail" if fails else "pass")


def test_findings_are_chosen_by_code_or_family() -> None:
    """Ignoring wins over selecting; rules in preview never fail."""
    both = run(finding("a"), finding("b", family="data"))
    for policy, codes in (
        (Policy(select=("a",)), ["a"]),
        (Policy(select=("data",)), ["b"]),
        (Policy(ignore=("numerics",)), ["b"]),
        (Policy(select=("a", "b"), ignore=("b",)), ["a"]),
        (Policy(preview=frozenset({"a"})), ["b"]),
    ):
        assert [item.finding.code for item in decide([both], policy).runs[0].failing] == codes


def test_what_became_of_each_finding_is_told() -> None:
    """Below the gate, accepted with its reason, failing."""
    policy = Policy(accept=(Accepted("b", "by design"), Accepted("c", "old", date(2026, 1, 1))), today=date(2026, 1, 2))
    decision = decide([run(finding("a", "note"), finding("b"), finding("c"))], policy)
    assert statuses(decision) == [("a", "below", ""), ("b", "accepted", "by design"), ("c", "fail", "")]
    assert [accepted.code for accepted in decision.expired] == ["c"]


def test_against_a_baseline_only_what_is_new_or_worse_fails() -> None:
    """The same severity and a lower one are known."""
    known = baseline.make([run(finding("a", "warning"))])
    policy = Policy(fail_on="note")
    for severity, status in (
        ("note", ("a", "known", "")),
        ("warning", ("a", "known", "")),
        ("error", ("a", "fail", "worse")),
    ):
        assert statuses(decide([run(finding("a", severity))], policy, known)) == [status]
    assert statuses(decide([run(finding("b", "note"))], policy, known)) == [("b", "fail", "new")]


def test_speed_is_compared_on_the_same_kind_of_device() -> None:
    """A device that one of the two does not know is taken for the same."""
    slow, policy = finding("slow", family="throughput"), Policy(require=(parse("step_time<1s"), parse("loss<9")))
    known = baseline.Baseline(device="cuda")
    for device, status, skipped in (("cpu", "elsewhere", True), ("cuda", "fail", False), (None, "fail", False)):
        facts = {"step_seconds": 2.0, "loss_final": 1.0, **({"device": device} if device else {})}
        decision = decide([run(slow, **facts)], policy, known)
        assert [item.status for item in decision.runs[0].items] == [status]
        told = [(entry.value, entry.holds, entry.skipped) for entry in decision.runs[0].measured]
        assert told == [(2.0, None if skipped else False, skipped), (1.0, True, False)]
    other = decide([run(finding("a"), device="cpu")], Policy(), baseline.Baseline(device="cuda"))
    assert statuses(other) == [("a", "fail", "new")]
    assert decide([run(slow, device="cpu")], Policy(), baseline.Baseline()).outcome == "fail"
    passed = decide([run(step_seconds=2.0, device="cpu")], Policy(require=(parse("step_time<1s"),)), known)
    assert passed.outcome == "pass"


@pytest.mark.parametrize(("value", "outcome", "code"), [(0.3, "pass", 0), (0.31, "fail", 1), (None, "undecided", 3)])
def test_a_required_figure_decides(value: float | None, outcome: str, code: int) -> None:
    """One that was not recorded leaves it open."""
    facts = {} if value is None else {"val_loss_final": value}
    decision = decide([run(**facts)], Policy(require=(parse("val_loss<=0.3"),)))
    assert (decision.outcome, decision.exit_code) == (outcome, code)
    told = [(reason.key, dict(reason.values)) for reason in decision.runs[0].reasons]
    assert told == ([("gate.unmeasured", {"metric": "val_loss", "known": ""})] if value is None else [])


def test_a_missing_figure_does_not_hide_a_failure() -> None:
    """Nor does a run that cannot be told."""
    policy = Policy(require=(parse("val_loss<=0.3"),))
    assert decide([run(finding("a"), state="cannot-tell")], policy).outcome == "fail"


def test_a_short_run_is_not_judged() -> None:
    """Whatever was found in it."""
    for steps, outcome in ((99, "undecided"), (100, "fail")):
        decision = decide([run(finding("a"), steps=steps)], Policy(min_steps=100))
        assert decision.outcome == outcome
    short = decide([run(finding("a"), steps=99)], Policy(min_steps=100)).runs[0].reasons
    assert [(reason.key, dict(reason.values)) for reason in short] == [("gate.short", {"steps": 99, "fewest": 100})]
    nameless = Diagnosis.model_validate({"state": "healthy", "summary": "s"})
    assert decide([nameless], Policy(min_steps=1)).outcome == "undecided"
    assert decide([nameless], Policy()).outcome == "pass"


def test_a_run_that_cannot_be_told_does_not_pass() -> None:
    """Unless nothing can fail."""
    decision = decide([run(state="cannot-tell")], Policy())
    assert (decision.outcome, [reason.key for reason in decision.runs[0].reasons]) == (
        "undecided",
        ["gate.cannot-tell"],
    )
    assert decide([run(state="cannot-tell")], Policy(fail_on="never")).outcome == "pass"


def test_a_selected_code_has_to_be_judged() -> None:
    """Where something was missing; a rule that does not apply is no gap."""
    for missing, outcome in ((["loss"], "undecided"), ([], "pass")):
        unknown = [{"code": "a", "missing": missing, "how": "record it"}]
        diagnosis = Diagnosis.model_validate({"state": "healthy", "summary": "s", "unknown": unknown})
        assert decide([diagnosis], Policy(select=("a",))).outcome == outcome
        assert decide([diagnosis], Policy()).outcome == "pass"


GOOD, BAD = run(), run(finding("a"))
OPEN = run(state="cannot-tell")


@pytest.mark.parametrize(
    ("aggregate", "runs", "outcome"),
    [
        ("any", [GOOD, OPEN, BAD], "fail"),
        ("any", [GOOD, OPEN], "undecided"),
        ("any", [GOOD, GOOD], "pass"),
        ("all", [GOOD, OPEN, BAD], "pass"),
        ("all", [OPEN, BAD], "undecided"),
        ("all", [BAD, BAD], "fail"),
        ("majority", [BAD, BAD, GOOD], "fail"),
        ("majority", [BAD, GOOD], "pass"),
        ("majority", [BAD, OPEN, GOOD], "undecided"),
        ("majority", [BAD, OPEN, GOOD, GOOD], "pass"),
        ("majority", [OPEN, OPEN, GOOD], "undecided"),
        ("median", [BAD, BAD, GOOD], "fail"),
    ],
)
def test_several_runs_are_one_decision(aggregate: str, runs: list[Diagnosis], outcome: str) -> None:
    """As many as the policy asks for; what could still tip it is undecided."""
    assert decide(runs, Policy(aggregate=aggregate)).outcome == outcome


def test_the_median_of_a_figure_needs_most_of_the_runs() -> None:
    """Then a single bad one does not fail it."""
    policy = Policy(aggregate="median", require=(parse("loss<1"),))
    for losses, value, outcome in (
        ([0.5, 0.7, 9.0], 0.7, "pass"),
        ([0.5, 9.0, 9.0], 9.0, "fail"),
        ([0.5, 0.7, None], 0.6, "pass"),
        ([0.5, None], None, "undecided"),
    ):
        decision = decide([run(**({} if loss is None else {"loss_final": loss})) for loss in losses], policy)
        assert (decision.measured[0].value, decision.outcome) == (pytest.approx(value), outcome)
        assert decision.runs[0].measured == ()


def test_an_entry_is_fixed_where_no_run_shows_it_and_all_have_judged_it() -> None:
    """Also as a consequence; sorted by code."""
    known = baseline.make([run(finding("b"), finding("a"), finding("c"))])

    def clear(*codes: str, found: tuple[str, ...] = ()) -> Diagnosis:
        fields = {"state": "healthy", "summary": "s", "clear": list(codes)}
        return Diagnosis.model_validate({**fields, "findings": [finding("x", explains=[finding(c) for c in found])]})

    assert decide([clear("a", "b", "c")], Policy(), known).fixed == ("a", "b", "c")
    assert decide([clear("a", "b"), clear("b", "c")], Policy(), known).fixed == ("b",)
    assert decide([clear("a", "b"), clear("a", found=("b",))], Policy(), known).fixed == ("a",)
    assert decide([clear("a")], Policy()).fixed == ()


def test_a_name_that_is_neither_a_code_nor_a_family_is_refused() -> None:
    """One that is known is taken."""
    policies._known("--fail-on", ["lr-too-high"], ["lr-too-high", "data"])
    with pytest.raises(UsageError, match="--fail-on lr-too-hihg: neither a code nor a family"):
        policies._known("--fail-on", ["data", "lr-too-hihg"], ["lr-too-high", "data"])
