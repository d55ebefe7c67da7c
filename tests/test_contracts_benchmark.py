"""The benchmark of faults that no curve shows: labels, and how a verdict is scored."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import contracts

FOLDER = Path(__file__).parents[1] / "benchmarks" / "contracts"
SCRIPTS, CODES = contracts.scripts(FOLDER, [])


def outcome(state, *codes, healthy=False, severity="warning"):
    """What was said of a training whose fault is label-shift."""
    label = {"healthy": True} if healthy else {"codes": ["label-shift"], "also": ["plateau"]}
    found = [{"code": code, "severity": severity} for code in codes]
    verdict = {"state": state, "first": codes[0] if codes else None, "found": found}
    return contracts.Outcome(contracts.Script(Path("some.py"), label), verdict, CODES)


def test_every_script_has_a_label_of_its_folder():
    """A script in faulty/ names its fault, one in healthy/ has none."""
    assert {script.name: script.healthy for script in SCRIPTS} == {
        path.stem: path.parent.name == "healthy" for path in FOLDER.glob("*/*.py")
    }


def test_no_label_without_a_script():
    """A script that was renamed takes its label along."""
    labels = contracts.tomllib.loads((FOLDER / "labels.toml").read_text(encoding="utf-8"))["script"]
    assert set(labels) == {script.name for script in SCRIPTS}


def test_only_some_are_chosen_by_a_part_of_their_name():
    """Parts of names choose scripts."""
    assert [script.name for script in contracts.scripts(FOLDER, ["kfold"])[0]] == ["kfold_wine"]


@pytest.mark.parametrize(
    ("codes", "detected", "right"),
    [
        (["label-shift"], True, True),
        (["plateau", "label-shift"], True, False),
        (["plateau"], True, False),
        (["overfitting"], False, False),
        ([], False, False),
    ],
)
def test_a_fault_is_detected_by_a_symptom_and_right_by_its_name_alone(codes, detected, right):
    """The first finding has to name the fault."""
    said = outcome("needs-attention", *codes)
    assert (said.detected, said.right) == (detected, right)


def test_a_note_detects_nothing():
    """Who reads warnings only has not been told."""
    assert not outcome("healthy", "label-shift", severity="note").detected


def test_a_note_that_names_a_contract_counts_on_a_healthy_training():
    """A contract that holds is not called broken in any voice."""
    assert outcome("healthy", "label-shift", healthy=True, severity="note").raised == ["label-shift"]
    assert outcome("healthy", "small-batch-underuse", healthy=True, severity="note").raised == []


@pytest.mark.parametrize(("state", "alarmed"), [("broken", True), ("needs-attention", True), ("cannot-tell", False)])
def test_the_state_alarms(state, alarmed):
    """Somebody who is told to look has been alarmed."""
    assert outcome(state, healthy=True).alarmed is alarmed


def test_a_good_score_has_no_false_alarm(capsys):
    """One contract called broken on a healthy training is too many."""
    assert contracts.score([outcome("broken", "label-shift"), outcome("healthy", healthy=True)])
    assert not contracts.score([outcome("broken", "label-shift"), outcome("healthy", "label-shift", healthy=True)])
    assert "healthy: a contract called broken: 1 of 1 (100%)" in capsys.readouterr().out
