"""From when on a rule may be judged: one fact of the rule, for everyone who watches a run."""

import pytest

from trainadvisor.judge import rule_loading
from trainadvisor.judge.result import Finding, Handling
from trainadvisor.monitor.finding_events import FindingLedger
from trainadvisor.preflight.early_rules import is_early

BOOK = rule_loading.load()


def finding(phase: str) -> Finding:
    """Return an error of a rule of this phase."""
    plain = {"code": "a", "family": "x", "kind": "cause", "severity": "error", "confidence": "likely", "title": "a"}
    return Finding.model_validate({**plain, "sentence": "a", "handling": Handling.model_validate({"phase": phase})})


@pytest.mark.parametrize(("phase", "told"), [("start", 1), ("course", 1), ("end", 0)])
def test_a_running_training_is_not_told_how_it_ends(phase: str, told: int) -> None:
    """What is judged at the end is no news before."""
    assert len(FindingLedger().update([finding(phase)], 9, 0.0, settled=True)) == told


def test_the_rules_about_how_a_run_ends() -> None:
    """A learning rate that has not come down yet and a loss that has not fallen yet say nothing."""
    assert {code for code, rule in BOOK.rules.items() if rule.phase == "end"} == {
        "undertrained", "slow-convergence", "underfitting", "plateau", "lr-schedule", "no-learning", "cut-off",
        "learning-rate-zero", "rate-spent", "data-used-up",
        "nothing-gained", "ctc-blank-collapse", "router-collapse", "scheduler-step-count", "stale-evaluated-copy",
        "prompt-not-masked", "codebook-collapse", "best-epoch-earlier", "discriminator-wins",
    }  # fmt: skip


def test_only_what_is_there_at_the_start_is_judged_of_the_first_steps() -> None:
    """Wiring is; a rate that is too high shows in the course of a run."""
    assert [is_early(BOOK.rules[code]) for code in ("missing-zero-grad", "lr-too-high", "plateau")] == [
        True, False, False,
    ]  # fmt: skip


def test_a_branch_that_asks_for_a_poor_skill_waits_for_the_end() -> None:
    """Every skill is poor at first; the other branches of the rule were seen at once."""
    rule = BOOK.rules["frozen-parameters"]
    assert [(variant.branch, variant.phase) for variant in rule.variants] == [
        ("unchanged", "start"), ("random-and-off", "end"), ("random-features", "end"), ("head-off", "end"),
        ("adapters-off", "start"),
    ]  # fmt: skip
    assert rule.phase == "start"


def test_how_a_finding_is_handled_is_no_part_of_the_json() -> None:
    """The JSON of a diagnosis says what was found; the branch is in it."""
    told = finding("end").model_dump()
    assert "handling" not in told
    assert told["branch"] is None
