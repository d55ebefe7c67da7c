"""`trainadvisor diagnose`: which log is meant, what is printed, and with which exit code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log

from trainadvisor.commands.diagnose import gate
from trainadvisor.diagnose.result import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FALLING = [2.3 * 0.98**step for step in range(200)]
NAN = [*FALLING[:50], *["nan"] * 50]


def log_in(folder: Path, loss: list[Any] = FALLING) -> Path:
    """Write a log of a loss curve into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return build_log(folder, columns={"loss": loss, "lr": 0.1}, steps=len(loss), end={"reason": "finished"})


def test_a_file_is_judged(call: Callable[..., Any], folder: Path) -> None:
    """The verdict comes first; a report is no gate."""
    outcome = call("diagnose", log_in(folder, NAN))
    assert outcome.code == 0
    assert outcome.out.startswith("BROKEN: ")
    assert outcome.out.endswith("\n")
    assert outcome.err == ""


def test_chinese(call: Callable[..., Any], folder: Path) -> None:
    """The language follows the option, and from the environment too."""
    assert call("diagnose", log_in(folder, NAN), "--lang", "zh").out.startswith("异常：")


def test_chinese_from_the_environment(call: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Chinese locale needs no option."""
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert call("diagnose", log_in(folder), "-q").out.startswith("正常：")


def test_quiet_prints_one_line(call: Callable[..., Any], folder: Path) -> None:
    """The verdict alone."""
    assert (
        call("diagnose", log_in(folder), "-q").out == "HEALTHY: training converged normally; nothing needs changing.\n"
    )


def test_json_is_the_diagnosis(call: Callable[..., Any], folder: Path) -> None:
    """What is printed validates as what was judged."""
    document = call("diagnose", log_in(folder, NAN), "--format", "json").json
    assert document["schema"] == "trainadvisor/diagnosis/1"
    assert Diagnosis.model_validate(document).state == "broken"


@pytest.mark.parametrize("name", ["one", "trainadvisor-runs/one", "trainadvisor-runs/one/log.json"])
def test_a_run_goes_by_its_name_or_folder(call: Callable[..., Any], folder: Path, name: str) -> None:
    """`diagnose 1123-0418` is enough."""
    log_in(folder / "trainadvisor-runs" / "one")
    assert call("diagnose", name, "-q").out.startswith("HEALTHY")


def test_without_a_name_the_latest_log_is_judged(call: Callable[..., Any], folder: Path) -> None:
    """What was recorded last is what one wants to know about."""
    log_in(folder / "trainadvisor-runs" / "new", NAN)
    os.utime(log_in(folder), (1, 1))
    assert call("diagnose", "-q").out.startswith("BROKEN")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("train.py", "train.py: that is a script; did you mean `trainadvisor run train.py`?"),
        ("onne", 'onne: there is no such log, folder or run; did you mean "one"?; trainadvisor-runs holds 1 runs'),
        ("empty", "empty: the folder holds no log.json; name the log, or record one with `trainadvisor run train.py`"),
    ],
)
def test_a_log_that_is_not_there_is_one_line(call: Callable[..., Any], folder: Path, name: str, complaint: str) -> None:
    """Place, what is wrong, what to do."""
    log_in(folder / "trainadvisor-runs" / "one")
    (folder / "empty").mkdir()
    outcome = call("diagnose", name)
    assert (outcome.code, outcome.err) == (2, f"trainadvisor: {complaint}\n")


def test_no_log_at_all_says_how_to_record_one(call: Callable[..., Any]) -> None:
    """Every dead end prints the next command."""
    outcome = call("diagnose")
    assert outcome.code == 2
    assert "record one with `trainadvisor run train.py`" in outcome.err


@pytest.mark.parametrize("content", [b"", b"\x00\xff\x80", b"{}", b'[{"record": "header", "format": 99}]'])
def test_a_log_that_is_none_is_one_line(call: Callable[..., Any], folder: Path, content: bytes) -> None:
    """Empty, binary, something else, from a newer format."""
    (folder / "log.json").write_bytes(content)
    outcome = call("diagnose", "log.json")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert outcome.err.startswith("trainadvisor: log.json: ")


def test_colour_only_where_it_is_wanted(call: Callable[..., Any], folder: Path) -> None:
    """A pipe gets none unless it asks."""
    log = log_in(folder)
    assert "\x1b[" not in call("diagnose", log).out
    assert "\x1b[" in call("diagnose", log, "--color", "always").out


def test_a_rule_that_is_off_stays_silent(call: Callable[..., Any], folder: Path) -> None:
    """With the reason where the checks are listed."""
    (folder / "pyproject.toml").write_text('[tool.trainadvisor.off]\nnan-loss = "expected here"\n', encoding="utf-8")
    outcome = call("diagnose", log_in(folder, NAN), "-v")
    assert "error[nan-loss]" not in outcome.out
    assert "expected here" in outcome.out


def verdict(state: str, severity: str = "error", confidence: str = "certain") -> Diagnosis:
    """Return a diagnosis with one finding, or with none when it is healthy."""
    finding = {"code": "x", "family": "f", "kind": "cause", "title": "t", "sentence": "s"}
    found = [] if state == "healthy" else [{**finding, "severity": severity, "confidence": confidence}]
    return Diagnosis.model_validate({"state": state, "summary": "s", "findings": found})


@pytest.mark.parametrize(
    ("diagnosis", "level", "code"),
    [
        (verdict("broken"), "never", 0),
        (verdict("broken"), "error", 1),
        (verdict("broken", confidence="possible"), "error", 0),
        (verdict("needs-attention", "warning"), "error", 0),
        (verdict("needs-attention", "warning"), "warning", 1),
        (verdict("healthy"), "note", 0),
        (verdict("cannot-tell"), "error", 3),
    ],
)
def test_the_gate(diagnosis: Diagnosis, level: str, code: int) -> None:
    """It fails at its level and above, never on what is merely possible, and does not guess."""
    assert gate(diagnosis, level) == code


def test_fail_on_sets_the_exit_code(call: Callable[..., Any], folder: Path) -> None:
    """The report is printed all the same."""
    outcome = call("diagnose", log_in(folder, NAN), "--fail-on", "error")
    assert outcome.code == 1
    assert outcome.out.startswith("BROKEN")
