"""Judging single rules."""

from typing import Any

import pytest
from rulekit import rule

from trainadvisor.judge.engine import judge, judge_rule
from trainadvisor.judge.rule_verdict import Verdict
from trainadvisor.judge.rulebook import Rule, Rulebook


def verdict(of: Rule, *contexts: str, **signals: Any) -> Verdict:
    """Judge a rule on signals."""
    return judge_rule(of, signals, contexts)


@pytest.mark.parametrize(("signals", "state"), [({"x": 2}, "found"), ({"x": 1}, "clear"), ({}, "unknown")])
def test_found_clear_unknown(signals: dict[str, Any], state: str) -> None:
    """A rule is found, clear, or abstains because a signal is absent."""
    assert verdict(rule(), **signals).state == state


def test_one_false_line_clears_whatever_else_is_unknown() -> None:
    """Nothing needs to be recorded for a rule that cannot hold."""
    assert verdict(rule(when=("y > 1", "x > 1")), x=0).state == "clear"


def test_missing_signals_are_named_through_values() -> None:
    """What to record is a signal, not the value computed of it."""
    judged = verdict(rule(when=("ratio > limit", "z > 0"), values={"ratio": "x / y"}, thresholds={"limit": 2}), x=1)
    assert judged.state == "unknown"
    assert judged.missing == ("y", "z")


def test_evidence_has_the_values_of_each_line() -> None:
    """Each line that held, with signals, thresholds and computed values."""
    judged = verdict(rule(when=("x > limit", "half < 9"), values={"half": "x / 2"}, thresholds={"limit": 1}), x=4)
    assert [(line.text, values) for line, values in judged.evidence] == [
        ("x > limit", {"x": 4, "limit": 1}),
        ("half < 9", {"half": 2.0}),
    ]


def test_values_that_need_each_other_are_unknown() -> None:
    """A circle of computed values ends."""
    assert verdict(rule(when=("a > 1",), values={"a": "b", "b": "a"})).state == "unknown"


def test_unless_excludes() -> None:
    """An exclusion that holds clears the rule, one that does not leaves it found."""
    excluding = rule(unless=("fine",))
    assert verdict(excluding, x=2, fine=True).state == "clear"
    assert verdict(excluding, x=2, fine=False).state == "found"


def test_an_unknown_exclusion_leaves_the_finding_unsure() -> None:
    """Without the signal the rule is found but less certain; unknown with unless_known."""
    assert verdict(rule(unless=("fine",)), x=2).unsure
    assert verdict(rule(unless=("fine",), unless_known=True), x=2).state == "unknown"


def test_contexts_switch_off_and_soften() -> None:
    """A kind of training that a rule does not fit makes it abstain, or one level milder."""
    fitted = rule(off=("adversarial",), soften=("finetuning",))
    assert verdict(fitted, "adversarial", x=2).state == "off"
    assert verdict(fitted, "finetuning", x=2).severity == "warning"
    assert verdict(fitted, "regression", x=2).severity == "error"


def test_preview_rules_are_notes() -> None:
    """A rule on trial alarms nobody."""
    assert verdict(rule(preview=True), x=2).severity == "note"


def test_onset_and_subjects_come_from_signals() -> None:
    """When it began and what it is about."""
    judged = verdict(rule(onset="began", subjects="where"), x=2, began=7, where=["a", "b"])
    assert (judged.onset, judged.subjects) == (7, ("a", "b"))
    assert verdict(rule(onset="began", subjects="where"), x=2, where="a").subjects == ("a",)


def test_layer_rules_name_the_layers_that_match() -> None:
    """Each layer is judged with its own values."""
    judged = verdict(rule(scope="layer"), x={"a": 2.0, "b": 0.5, "c": 3.0})
    assert (judged.state, judged.matched, judged.layers, judged.subjects) == ("found", ("a", "c"), 3, ("a", "c"))
    assert judged.evidence[0][1] == {"x": 2.0}


@pytest.mark.parametrize(("share", "state"), [(0.5, "found"), (0.7, "clear")])
def test_share_asks_for_that_part_of_the_layers(share: float, state: str) -> None:
    """Two of three layers are more than half and less than seven tenths."""
    assert verdict(rule(scope="layer", share=share), x={"a": 2.0, "b": 0.5, "c": 3.0}).state == state


def test_layer_rules_without_layers_abstain() -> None:
    """An absent layer signal is unknown, not clear."""
    judged = verdict(rule(scope="layer"))
    assert (judged.state, judged.missing) == ("unknown", ("x",))


def test_layers_need_every_signal_of_the_rule() -> None:
    """A layer that one of the signals does not know is not judged."""
    judged = verdict(rule(scope="layer", when=("x > 1", "y > 1")), x={"a": 2.0, "b": 2.0}, y={"b": 2.0})
    assert (judged.matched, judged.layers) == (("b",), 1)


def test_layer_and_run_signals_mix() -> None:
    """A signal of the run holds for every layer."""
    assert verdict(rule(scope="layer", when=("x > 1", "n > 1")), x={"a": 2.0}, n=5).matched == ("a",)


def test_a_rule_that_fails_is_unknown_and_alone() -> None:
    """A wrong type in one rule leaves the others judged."""
    verdicts = judge({"x": 2, "w": "word"}, Rulebook({"bad": rule("bad", when=("w > 1",)), "odd": rule("odd")}))
    assert [(v.code, v.state) for v in verdicts] == [("bad", "unknown"), ("odd", "found")]
    assert verdicts[0].failure.startswith("TypeError")


def test_rules_that_a_project_switched_off() -> None:
    """The reason is kept."""
    verdicts = judge({"x": 2}, Rulebook({"odd": rule()}, off={"odd": "by design"}))
    assert (verdicts[0].state, verdicts[0].reason) == ("off", "by design")


def test_a_check_is_fine_only_where_it_could_have_been_found() -> None:
    """Clear for want of steps is not fine; clear for what was measured is, and so is a count of the fault itself."""
    needing = rule(when=("x > 1", "steps >= least"), thresholds={"least": 20})
    short, long = verdict(needing, x=0, steps=5), verdict(needing, x=0, steps=50)
    assert (short.state, short.fine, short.decided) == ("clear", False, False)
    assert (long.state, long.fine, long.decided) == ("clear", True, True)
    counting = rule(when=("stale_steps >= least",), thresholds={"least": 3})
    assert verdict(counting, stale_steps=0).fine
    assert verdict(needing, x=2, steps=50).decided


@pytest.mark.parametrize(("skill", "fine"), [(0.9, True), (0.1, False)])
def test_what_a_short_run_has_learned_rules_out_that_it_learns_little(skill: float, *, fine: bool) -> None:
    """With a poor skill more steps could still make a finding of it."""
    failing = rule(when=("x > 1", "skill < poor", "steps >= least"), thresholds={"least": 20, "poor": 0.3})
    assert verdict(failing, x=0, skill=skill, steps=5).fine is fine


@pytest.mark.parametrize(
    ("signals", "severity"),
    [
        ({"skill": 0.95}, "note"),
        ({"skill": 0.95, "val_skill_final": 0.2}, "error"),
        ({"skill": 0.5}, "error"),
        ({"loss_first": 4e7, "loss_final": 7e-5}, "note"),
        ({"loss_first": 4e7, "loss_final": 0.0}, "error"),
        ({"loss_first": 2.0, "loss_final": 0.5}, "error"),
        ({"skill": 0.95, "loss_nonfinite": True}, "error"),
    ],
)
def test_no_statistics_call_a_run_broken_that_learns(signals: dict[str, Any], severity: str) -> None:
    """High skill on both sides, or a loss without a yardstick that fell by orders of magnitude; what was seen stays."""
    assert verdict(rule(severity="error", evidence="statistical"), x=2, **signals).severity == severity
    assert verdict(rule(severity="error", evidence="direct"), x=2, **signals).severity == "error"


@pytest.mark.parametrize(
    ("family", "signals", "state"),
    [
        ("curves", {"x": 2}, "off"),
        ("policies", {"x": 2}, "found"),
        ("policies", {"x": 1}, "clear"),
        ("policies", {}, "off"),
    ],
)
def test_rules_of_curves_say_of_recorded_runs_what_was_seen(family: str, signals: dict[str, Any], state: str) -> None:
    """Limits of other tools' points do not apply; figures of policies that the recorder has not are no gap of it."""
    assert verdict(rule(family=family), "recorded", **signals).state == state
