"""What may be said after the first steps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log

from trainadvisor.judge.result import Diagnosis, Finding
from trainadvisor.judge.rule_loading import load
from trainadvisor.mending import written_faults
from trainadvisor.preflight import early_rules
from trainadvisor.preflight.first_steps import Script, Trials
from trainadvisor.trials import child_process
from trainadvisor.trials.survey import Choice

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.trials.child_process import Setting

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


@pytest.mark.parametrize("given", [None, Choice(most_bytes=7)])
def test_each_run_is_copied_as_the_user_chose(given: Choice | None, tmp_path: Path, monkeypatch: Any) -> None:
    """And as usual where nothing was chosen."""
    settings: list[Setting] = []

    def execute(_: object, setting: Setting) -> None:
        settings.append(setting)
        raise InterruptedError

    monkeypatch.setattr(child_process, "execute", execute)
    with pytest.raises(InterruptedError):
        Trials(Script("train.py"), tmp_path, 60.0, choice=given).first(5)
    assert [setting.choice for setting in settings] == [given or Choice()]


def test_each_run_has_the_time_that_its_start_takes_beside_its_share(tmp_path: Path, monkeypatch: Any) -> None:
    """Half of the budget for the first, less the tests; of the rest a share, where enough is left to step in."""
    jobs: list[Any] = []
    log = build_log(tmp_path, steps=5, end={"reason": "finished", "seconds": 4.0})

    def execute(job: Any, _: Setting) -> Any:
        jobs.append(job)
        return SimpleNamespace(log=log, seconds=12.0, stderr="", stdout="printed", code=0)

    monkeypatch.setattr(child_process, "execute", execute)
    monkeypatch.setattr(
        written_faults, "fault_events", lambda target, _: [{"kind": "written-fault", "subject": target}]
    )
    trials = Trials(Script("train.py"), tmp_path, 60.0)
    monkeypatch.setattr(Trials, "spent", 20.0)
    first = trials.first(5)
    assert (jobs[0].stop_after_seconds, jobs[0].limit) == (20.0, 30.0)
    assert (first.printed, first.seconds, first.code) == ("printed", 12.0, 0)
    assert first.log is not None
    assert first.log.events[-1] == {"kind": "written-fault", "subject": "train.py"}
    assert trials.experiment("one", (), 9, share=0.5) is not None
    assert (jobs[1].stop_after_seconds, jobs[1].limit) == (12.0, 30.0)
    assert trials.experiment("two", (), 9, share=0.2375) is not None
    assert trials.experiment("three", (), 9, share=0.2374) is None
    of_module = Trials(Script("train", module=True), tmp_path, 60.0).first(5).log
    assert of_module is not None
    assert [event["kind"] for event in of_module.events] == []
