"""Baselines: what is taken into them, how they are written, and which files are none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.errors import ConfigError
from trainadvisor.gate import baseline
from trainadvisor.gate.baseline import Baseline, Entry
from trainadvisor.judge.result import Diagnosis

if TYPE_CHECKING:
    from pathlib import Path

WHOLE: dict[str, Any] = {
    "schema": "trainadvisor/baseline/1",
    "workload": {"model": "abc", "batch": 32, "device": "cpu"},
    "metrics": {"val_loss": {"median": 1.0, "low": 0.5, "high": 2, "runs": 3}},
    "findings": {"1": {"code": "a", "severity": "error", "modules": "conv*"}},
}


def run(*findings: dict[str, Any], **facts: Any) -> Diagnosis:
    """Return a diagnosis with these findings and facts of the run."""
    base = {"family": "numerics", "kind": "cause", "title": "t", "sentence": "s", "confidence": "certain"}
    found = [{**base, **finding} for finding in findings]
    return Diagnosis.model_validate({"state": "broken", "summary": "s", "run": facts, "findings": found})


def read(folder: Path, document: Any) -> Baseline:
    """Read a baseline with this content."""
    path = folder / "baseline.json"
    path.write_text(json.dumps(document))
    return baseline.read(path)


def test_a_baseline_is_read(tmp_path: Path) -> None:
    """With all that it may hold, and with no more than its form."""
    assert read(tmp_path, WHOLE) == Baseline(
        {"1": Entry("a", "error", "conv*")}, WHOLE["metrics"], {"model": "abc", "batch": 32}, "cpu"
    )
    bare = {**WHOLE, "workload": {}, "metrics": {}, "findings": {"1": {"code": "a", "severity": "note"}}}
    assert read(tmp_path, bare) == Baseline({"1": Entry("a", "note", "")}, {}, {}, None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": "trainadvisor/baseline/2"}, "is of the form 'trainadvisor/baseline/2'"),
        ({"workload": []}, "workload is no table"),
        ({"workload": {"model": [1]}}, "workload holds values that are no numbers or texts"),
        ({"workload": {"device": 1}}, "the device is no text"),
        ({"metrics": None}, "metrics is no table"),
        ({"metrics": {"x": 1}}, "metrics.x is no table"),
        ({"metrics": {"x": {"low": 1}}}, "metrics.x has no range of numbers"),
        ({"metrics": {"x": {"high": 1}}}, "metrics.x has no range of numbers"),
        ({"metrics": {"x": {"low": 1, "high": "2"}}}, "metrics.x has no range of numbers"),
        ({"metrics": {"x": {"low": 1, "high": True}}}, "metrics.x has no range of numbers"),
        ({"findings": [1]}, "findings is no table"),
        ({"findings": {"1": "a"}}, "a finding is no table"),
        ({"findings": {"1": {"severity": "error"}}}, "a finding has no code"),
        ({"findings": {"1": {"code": 1, "severity": "error"}}}, "a finding has no code"),
        ({"findings": {"1": {"code": "a", "severity": "error", "modules": 1}}}, "modules that are no text"),
        ({"findings": {"1": {"code": "a", "severity": "fatal"}}}, "severity 'fatal'"),
        ({"findings": {"1": {"code": "a", "severity": []}}}, r"severity \[\]"),
        ({"findings": {"1": {"code": "a"}}}, "severity None"),
    ],
)
def test_a_field_of_another_type_is_named(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    """In one sentence that says what to do."""
    with pytest.raises(ConfigError, match=rf"baseline\.json: is not a baseline \(.*{complaint}.*--update-baseline"):
        read(tmp_path, {**WHOLE, **change})


def test_a_baseline_has_a_bounded_number_of_entries(tmp_path: Path) -> None:
    """Ten thousand of all kinds together."""
    entry, figures = {"code": "a", "severity": "note"}, {"low": 0, "high": 1}
    most = {
        **WHOLE,
        "workload": {"model": 1},
        "metrics": {"m": figures},
        "findings": {str(number): entry for number in range(9_998)},
    }
    assert len(read(tmp_path, most).findings) == 9_998
    for more in ({"workload": {"model": 1, "batch": 2}}, {"metrics": {"m": figures, "n": figures}}):
        with pytest.raises(ConfigError, match=r"more than 10,000 entries"):
            read(tmp_path, {**most, **more})


def test_a_file_that_is_not_there_or_too_deep_is_told_so(tmp_path: Path) -> None:
    """Each with its own advice."""
    with pytest.raises(ConfigError, match="there is no such baseline; make it with --update-baseline"):
        baseline.read(tmp_path / "none.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match=r"is not a baseline \(nested too deep\)"):
        baseline.read(tmp_path / "deep.json")
    with pytest.raises(ConfigError, match="is not a baseline"):
        baseline.read(tmp_path)


def test_a_baseline_of_several_runs_holds_the_worst_and_the_spread() -> None:
    """A finding with its highest severity, a figure from the lowest to the highest."""
    warned = run({"code": "a", "severity": "warning"}, val_loss_final=3.0, device="cuda", examples=10)
    failed = run({"code": "a", "severity": "error"}, val_loss_final=1.0, device="cpu", examples=20)
    noted = run({"code": "a", "severity": "note"}, val_loss_final=1.5)
    for runs in ([warned, failed, noted], [warned, noted, failed]):
        made = baseline.make(runs)
        assert [entry.severity for entry in made.findings.values()] == ["error"]
        assert made.metrics == {"val_loss": {"median": 1.5, "low": 1.0, "high": 3.0, "runs": 3}}
        assert (made.workload, made.device) == ({"examples": 10}, "cuda")


def test_consequences_are_part_of_a_baseline() -> None:
    """To any depth."""
    parts = {"family": "numerics", "kind": "cause", "title": "t", "sentence": "s", "confidence": "certain"}
    deepest = {**parts, "code": "c", "severity": "note"}
    made = baseline.make([run({"code": "a", "severity": "error", "explains": [
        {**parts, "code": "b", "severity": "warning", "explains": [deepest]}]})])  # fmt: skip
    assert [entry.code for entry in made.findings.values()] == ["a", "b", "c"]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """In an order that does not depend on that of the findings; folders are made, an older one is written over."""
    made = baseline.make([run({"code": "b", "severity": "note"}, {"code": "a", "severity": "error"}, device="cpu")])
    path = tmp_path / "new" / "folder" / "baseline.json"
    path.parent.parent.mkdir()
    for _ in range(2):
        baseline.write(made, path)
    assert baseline.read(path) == made
    assert [entry["code"] for entry in json.loads(path.read_text())["findings"].values()] == ["a", "b"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Here a file where a folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be written .*choose another place with --baseline"):
        baseline.write(Baseline(), tmp_path / "file" / "baseline.json")


@pytest.mark.parametrize("content", ["", "{}", "[]", "1", '{"schema": 1}', '{"schema": "trainadvisor/diagnosis/1"}'])
def test_another_file_is_never_written_over(tmp_path: Path, content: str) -> None:
    """Nor is a link that leads nowhere."""
    path = tmp_path / "baseline.json"
    path.write_text(content)
    (tmp_path / "link.json").symlink_to("nowhere")
    for taken in (path, tmp_path / "link.json", tmp_path):
        with pytest.raises(ConfigError, match="is there already and no baseline"):
            baseline.write(Baseline(), taken)
    assert path.read_text() == content


def test_only_what_both_know_can_differ() -> None:
    """The name of the field with the value of the baseline and that of the run."""
    known = Baseline(workload={"model": "a", "examples": 10, "batch": 32})
    assert baseline.differing(known, run(model_hash="b", examples=10, planned_steps=5)) == [("model", "a", "b")]
