"""`trainadvisor check --baseline`: what is known, new, worse, fixed, and what cannot be compared."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from gatelogs import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., Any]


def settings(folder: Path, text: str) -> None:
    """Write the settings of the project."""
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def baseline(call: Call, folder: Path, *names: str, **header: Any) -> Path:
    """Make a baseline of some logs."""
    path = folder / "ci" / "baseline.json"
    logs = [write(folder, name, **header) for name in names]
    outcome = call("check", *logs, "--baseline", path, "--update-baseline")
    assert outcome.code == 0, outcome.err
    return path


def test_known_findings_do_not_fail(call: Call, folder: Path) -> None:
    """What was there when the baseline was made."""
    path = baseline(call, folder, "nan")
    outcome = call("check", write(folder, "nan"), "--baseline", path)
    assert outcome.code == 0
    assert "known (baseline)" in outcome.out
    assert "new findings only" in outcome.out


def test_new_findings_fail(call: Call, folder: Path) -> None:
    """And say that they are new."""
    outcome = call("check", write(folder, "rising"), "--baseline", baseline(call, folder, "nan"))
    assert outcome.code == 1
    assert "new since baseline" in outcome.out
    assert "1 baseline entry no longer needed: nan-loss" in outcome.out


def test_worse_findings_fail(call: Call, folder: Path) -> None:
    """A warning of the baseline that is an error now."""
    path = baseline(call, folder, "waiting")
    assert call("check", write(folder, "waiting"), "--baseline", path, "--fail-on", "warning").code == 0
    settings(folder, '[tool.trainadvisor.rules]\ndata-loader-bound = "error"\n')
    outcome = call("check", write(folder, "waiting"), "--baseline", path)
    assert outcome.code == 1
    assert "worse than baseline" in outcome.out


def test_another_workload_is_not_compared(call: Call, folder: Path) -> None:
    """Exit 3, and the field is named."""
    path = baseline(call, folder, "falling", planned_steps=200)
    outcome = call("check", write(folder, "falling", planned_steps=400), "--baseline", path)
    assert outcome.code == 3
    assert "the workload is not that of the baseline: steps was 200, is 400" in outcome.out
    assert call("check", write(folder, "falling", planned_steps=200), "--baseline", path).code == 0


def test_times_are_not_compared_between_devices(call: Call, folder: Path) -> None:
    """A finding about speed on another kind of device neither fails nor is known."""
    path = baseline(call, folder, "timed", device="cuda")
    outcome = call(
        "check", write(folder, "waiting"), "--baseline", path, "--fail-on", "warning", "--require", "step_time<=1ms"
    )
    assert outcome.code == 0
    assert "not compared: another device" in outcome.out
    assert "step_time<=1ms: not compared" in outcome.out
    assert call("check", write(folder, "waiting", device="cuda"), "--baseline", path, "--fail-on", "warning").code == 1


def test_a_baseline_holds_no_step_numbers(call: Call, folder: Path) -> None:
    """The same fault fifty steps later is the same fault; figures have their range over the runs."""
    path = baseline(call, folder, "nan", "falling")
    assert call("check", write(folder, "nan-late"), "--baseline", path).code == 0
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["metrics"]["steps"] == {"median": 150, "low": 100, "high": 200, "runs": 2}
    assert [entry["code"] for entry in document["findings"].values()] == ["nan-loss"]


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"schema": "x"}', '{"schema": "trainadvisor/baseline/1"}'])
def test_a_baseline_that_is_none_is_one_line(call: Call, folder: Path, content: str | None) -> None:
    """It says how to make one."""
    if content is not None:
        (folder / "b.json").write_text(content, encoding="utf-8")
    outcome = call("check", write(folder, "falling"), "--baseline", "b.json")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "--update-baseline" in outcome.err


def test_no_baseline_is_made_of_what_cannot_be_judged(call: Call, folder: Path) -> None:
    """Nothing is written."""
    outcome = call("check", write(folder, "short"), "--baseline", "b.json", "--update-baseline")
    assert outcome.code == 3
    assert not (folder / "b.json").exists()


def test_update_baseline_needs_a_place(call: Call, folder: Path) -> None:
    """From the option or from the settings."""
    assert call("check", write(folder, "falling"), "--update-baseline").code == 2
    settings(folder, '[tool.trainadvisor]\nbaseline = "ci/b.json"\n')
    assert call("check", write(folder, "falling"), "--update-baseline").code == 0
    assert (folder / "ci" / "b.json").is_file()


@pytest.mark.parametrize("content", ["precious", "[]", '{"schema": "other/1"}', '{"a": 1}', "[" * 100_000, ""])
@pytest.mark.parametrize("how", ["option", "settings"])
def test_what_is_no_baseline_is_not_written_over(call: Call, folder: Path, content: str, how: str) -> None:
    """Whoever named it: exit 2, and the file stays."""
    path = folder / "precious.json"
    path.write_text(content, encoding="utf-8")
    settings(folder, '[tool.trainadvisor]\nbaseline = "precious.json"\n' if how == "settings" else "")
    options = ["--baseline", path] if how == "option" else []
    outcome = call("check", write(folder, "nan"), "--update-baseline", *options)
    assert (outcome.code, "no baseline; it is not written over" in outcome.err) == (2, True)
    assert path.read_text(encoding="utf-8") == content


def test_a_baseline_is_written_over_also_one_of_an_older_form(call: Call, folder: Path) -> None:
    """It is ours."""
    path = baseline(call, folder, "nan")
    sound = path.read_text(encoding="utf-8")
    for content in (sound, sound.replace("baseline/1", "baseline/0")):
        path.write_text(content, encoding="utf-8")
        baseline(call, folder, "nan")
        assert path.read_text(encoding="utf-8") == sound


@pytest.mark.parametrize("target", ["{outside}", "../outside.json", "link.json", "linked/outside.json"])
@pytest.mark.parametrize("present", ["a baseline", ""])
@pytest.mark.parametrize("options", [["--update-baseline"], []])
def test_the_settings_of_a_project_name_no_baseline_outside(
    call: Call, folder: Path, target: str, present: str, options: list[str]
) -> None:
    """Neither read nor written, links resolved; typed by hand it is."""
    project, outside = folder / "project", folder / "outside.json"
    project.mkdir()
    log = write(folder, "nan")
    if present:
        assert call("check", log, "--baseline", outside, "--update-baseline").code == 0
    before = outside.read_bytes() if present else None
    (project / "link.json").symlink_to(outside)
    (project / "linked").symlink_to(folder)
    settings(project, f'[tool.trainadvisor]\nbaseline = "{target.format(outside=outside)}"\n')
    with contextlib.chdir(project):
        outcome = call("check", log, *options)
        checked = call("config", "check")
        typed = call("check", log, "--baseline", outside, "--update-baseline")
    assert (outcome.code, "leads out of the project" in outcome.err) == (2, True)
    assert (checked.code, "leads out of the project" in checked.err) == (2, True)
    assert typed.code == 0
    assert before is None or outside.read_bytes() == before


def test_a_baseline_of_the_environment_may_lie_anywhere(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is the user's own."""
    path = baseline(call, folder, "nan")
    (folder / "project").mkdir()
    monkeypatch.setenv("TRAINADVISOR_BASELINE", str(path))
    with contextlib.chdir(folder / "project"):
        assert call("check", write(folder, "nan")).code == 0
