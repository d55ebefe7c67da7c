"""What may be said after the first steps."""

from trainadvisor.judge.result import Diagnosis, Finding
from trainadvisor.judge.rule_loading import load
from trainadvisor.preflight import early_rules

BOOK = load()


def finding(code: str, severity: str = "error", **more: object) -> Finding:
    """Return a finding of a shipped rule."""
    rule = BOOK.rules[code]
    return Finding(
        code=code, family=rule.family, kind=rule.kind, severity=severity, confidence="certain", title=code,
        sentence=f"{code} was found", **more,
    )  # fmt: skip


def test_rules_about_the_course_of_a_run_wait() -> None:
    """Families about how a run goes on are off, with a reason; those about its start are on."""
    book = early_rules.of_first_steps(BOOK, "en")
    on = {rule.family for code, rule in book.rules.items() if code not in book.off and rule.judges_runs}
    assert on == {"wiring", "data", "numerics", "activations", "gradients", "crash", "policies"}
    assert book.off["overfitting"] == "it shows in the course of a run, not in its first steps"


def test_what_a_project_switched_off_keeps_its_reason() -> None:
    """The project's reason comes first."""
    from dataclasses import replace

    book = early_rules.of_first_steps(replace(BOOK, off={"plateau": "we know"}), "en")
    assert book.off["plateau"] == "we know"


def test_facts_are_certain_and_figures_are_suspicions() -> None:
    """A broadcast loss is a fact at any step; faint activations are a matter of degree."""
    inner = finding("constant-output")
    findings = [finding("loss-shape-broadcast", explains=[inner]), finding("dead-relu", severity="note")]
    diagnosis = Diagnosis(state="broken", summary="", findings=findings)
    assert early_rules.certain_and_suspected(diagnosis, BOOK) == ({"loss-shape-broadcast"}, {"constant-output"})


def test_a_suspicion_is_raised_sooner_than_a_finding() -> None:
    """What an experiment will confirm need not wait for fifty steps; a fact keeps its own limit."""
    hasty = early_rules.of_first_steps(BOOK, "en")
    assert BOOK.rules["unnormalized-inputs"].thresholds["min_steps"] == 50
    assert hasty.rules["unnormalized-inputs"].thresholds["min_steps"] == 15
    assert hasty.rules["missing-zero-grad"].thresholds == BOOK.rules["missing-zero-grad"].thresholds
