"""`trainadvisor diagnose`: which log is meant, what is printed, and with which exit code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log
from gatelogs import LOGS, write
from healthylog import healthy_log

from trainadvisor.judge.result import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FALLING = [2.3 * 0.98**step for step in range(200)]
ACCEPT = '[tool.trainadvisor]\n[[tool.trainadvisor.accept]]\ncode = "nan-loss"\nreason = "a demo"\n'
NAN = [*FALLING[:50], *["nan"] * 50]


def log_in(folder: Path, loss: list[Any] = FALLING) -> Path:
    """Write a log of a loss curve into a folder."""
    if loss is FALLING:
        return healthy_log(folder)
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
    assert call("diagnose", log_in(folder, NAN), "--lang", "zh").out.startswith("错误：")


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
        ("onne", 'onne: there is no such log, folder or run; did you mean "one"?; trainadvisor-runs holds 1 run'),
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


def test_color_only_where_it_is_wanted(call: Callable[..., Any], folder: Path) -> None:
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


FORMS = ("agent", "concise", "github", "gitlab", "html", "json", "jsonl", "junit", "markdown", "sarif", "text")


@pytest.mark.parametrize("form", FORMS)
def test_every_format_is_printed_or_written(call: Callable[..., Any], folder: Path, form: str) -> None:
    """The file holds what would be printed; text in a file is the whole text, without color."""
    log = log_in(folder, NAN)
    printed = call("diagnose", log, "--format", form, *(["-v"] if form == "text" else []))
    written = call("diagnose", log, "--format", f"{form}=out", "-q")
    assert (printed.code, written.code, written.out.count("\n")) == (0, 0, 1)
    assert (folder / "out").read_text(encoding="utf-8") == printed.out
    assert "nan-loss" in printed.out or form in ("gitlab", "sarif")  # these need a place in the code
    assert call("diagnose", log, "--format", f"{form}=out", "-q", "--lang", "zh").code == 0
    assert call("diagnose", log_in(folder / "good"), "--format", f"{form}=out", "-q").code == 0  # over a Chinese one
    assert call("diagnose", log, "--format", f"{form}=out", "-q").code == 0


@pytest.mark.parametrize("options", [["--format", "json=mine.html"], ["--html", "mine.html"]])
def test_what_is_no_report_is_not_replaced(call: Callable[..., Any], folder: Path, options: list[str]) -> None:
    """Said before anything is read; an empty file may be filled."""
    mine = folder / "mine.html"
    mine.write_text("<p>mine</p>", encoding="utf-8")
    outcome = call("diagnose", "none.json", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "trainadvisor: mine.html: exists and is no report of trainadvisor's; choose another name\n"
    assert mine.read_text(encoding="utf-8") == "<p>mine</p>"
    mine.write_text("")
    assert call("diagnose", log_in(folder), *options).code == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--format", "htm"], 'no format is called htm; did you mean "html"?'),
        (["--format", "json", "--format", "html"], "only one can be printed; write the others to files, as html=FILE"),
        (["--format", "sarif=none/out"], "there is no folder for the file"),
        (["--html", "page.txt"], "a web page ends in .html"),
    ],
)
def test_a_format_that_cannot_be_made_is_refused(call: Callable[..., Any], options: list[str], complaint: str) -> None:
    """Before a log is looked for."""
    outcome = call("diagnose", "none.json", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err


def test_where_a_gate_is_asked_for_the_formats_tell_its_decision(call: Callable[..., Any], folder: Path) -> None:
    """An accepted error is a notice among the annotations; without a gate it is what it is."""
    (folder / "pyproject.toml").write_text(ACCEPT, encoding="utf-8")
    log = log_in(folder, NAN)
    assert call("diagnose", log, "--format", "github").out.startswith("::error title=nan-loss")
    outcome = call("diagnose", log, "--format", "github", "--fail-on", "error")
    assert outcome.code == 0
    assert outcome.out.startswith("::notice title=nan-loss")


@pytest.mark.parametrize("name", LOGS)
def test_fail_on_decides_like_check(call: Callable[..., Any], folder: Path, name: str) -> None:
    """One gate, two commands: the same exit code for each log."""
    log = write(folder, name)
    outcome = call("diagnose", log, "--fail-on", "warning", "-q")
    assert outcome.code == call("check", log, "--fail-on", "warning").code


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ("", 1),
        ('[tool.trainadvisor]\nmin-confidence = "high"\n', 0),
        ("[tool.trainadvisor]\nmin-steps = 1000\n", 3),
        ('[tool.trainadvisor.rules]\ndata-loader-bound = "note"\n', 0),
    ],
)
def test_fail_on_follows_the_settings(call: Callable[..., Any], folder: Path, settings: str, code: int) -> None:
    """As `check` does: how sure, how many steps, which level."""
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    assert call("diagnose", write(folder, "waiting"), "--fail-on", "warning", "-q").code == code


def test_fail_on_sets_the_exit_code(call: Callable[..., Any], folder: Path) -> None:
    """The report is printed all the same; without the option a broken run is exit 0."""
    log = log_in(folder, NAN)
    outcome = call("diagnose", log, "--fail-on", "error")
    assert (outcome.code, call("diagnose", log, "--fail-on", "never").code) == (1, 0)
    assert outcome.out.startswith("BROKEN")
