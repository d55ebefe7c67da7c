"""The accuracy benchmark: who counts as healthy, harmed and found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "generator"))

import bases
import outcomes
import plan
import scores

from trainadvisor.judge.rule_loading import load

SPEC = bases.draw(3)


def result(skill, history=(1.0, 0.2)):
    """What a training printed."""
    return {"skill": skill, "history": list(history), "train_loss": 0.1}


def test_a_number_always_draws_the_same_training():
    """A specification is named by its content."""
    assert bases.identity(bases.draw(3)) == bases.identity(SPEC) != bases.identity(bases.draw(4))


def test_a_faulty_twin_falls_on_the_side_of_its_base():
    """A training that was tuned on is never held out in another disguise."""
    twins = plan.faulty([SPEC], {bases.identity(SPEC)}, 1)
    assert {bases.split(twin) for twin in twins} == {bases.split(SPEC)}


def test_a_twin_differs_by_its_fault_only():
    """The learning rate is multiplied, the seed stays."""
    twin = plan.twin(SPEC, "lr_high", 10)
    assert twin["lr"] == SPEC["lr"] * 10
    assert twin["seed"] == SPEC["seed"]


def test_faults_name_codes_that_exist():
    """A fault that expects an unknown code could never be found."""
    known = set(load([]).rules)
    assert {code for fault in plan.FAULTS.values() for code in [*fault["detect"], *fault["root"]]} <= known


def test_healthy_means_near_the_best_known():
    """A training that learned half of what can be learned is neither healthy nor faulty."""
    best = outcomes.groups([SPEC], {bases.identity(SPEC): result(0.9)})
    assert outcomes.healthy(SPEC, result(0.85), best)
    assert not outcomes.healthy(SPEC, result(0.45), best)


def test_healthy_means_kept():
    """A training whose validation loss doubled again was stopped too late."""
    best = outcomes.groups([SPEC], {bases.identity(SPEC): result(0.9)})
    assert not outcomes.healthy(SPEC, result(0.9, [1.0, 0.2, 0.5]), best)


@pytest.mark.parametrize(("skill", "harm"), [(0.88, False), (0.5, True), (float("nan"), True)])
def test_the_outcome_says_whether_a_fault_did_harm(skill, harm):
    """The healthy counterpart of the same seed is the measure."""
    assert outcomes.harmed(plan.twin(SPEC, "lr_high", 10), result(skill), result(0.9)) is harm


def test_no_alarm_in_fifty_runs_still_leaves_seven_percent_possible():
    """The interval is Wilson's."""
    low, high = scores.wilson(0, 50)
    assert low == pytest.approx(0.0)
    assert high == pytest.approx(0.0713, abs=1e-3)


def judged(kind, found, root=("lr-too-high",)):
    """A run in which these findings were made."""
    said = [
        {"code": code, "severity": severity, "confidence": "likely", "onset": 5, "depth": 0} for code, severity in found
    ]
    verdict = {"found": said, "first": said[0]["code"] if said else None, "state": "broken"}
    return scores.Judged("a", "tune", kind, verdict, "lr_high", ["lr-too-high", "divergence"], list(root))


def test_a_nested_symptom_detects_but_is_not_the_first_cause():
    """Detected and first cause right are two figures."""
    found = scores.summary([judged("faulty", [("dead-relu", "error"), ("divergence", "warning")])])
    assert (found["detected"]["hits"], found["first_right"]["hits"]) == (1, 0)


def test_a_note_alarms_nobody():
    """Only warnings and errors count on a healthy run."""
    runs = [judged("healthy", [("undertrained", "note")]), judged("healthy", [("divergence", "warning")])]
    assert scores.summary(runs)["alarmed"]["hits"] == 1


def test_a_harmless_fault_counts_nowhere():
    """What a fault without harm is called is neither right nor wrong."""
    runs = [judged("harmless", [("divergence", "error")])]
    assert scores.summary(runs)["detected"]["of"] == 0
    assert scores.calibration(runs) == {}
