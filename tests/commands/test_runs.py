"""Which log a command takes, and what it says of files that are none."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., Any]

HEADER = '[\n{"record":"header","format":1,"created":"2026-01-01T00:00:00+00:00","script":"a.py","argv":[]}'
STEP = ',\n{"record":"step","step":0,"loss":1.0}'
END = ',\n{"record":"end","reason":"interrupted","steps":0}\n]'


@pytest.fixture
def made(folder: Path) -> Callable[..., Path]:
    """Return a function that makes a log, each an hour younger than the one before."""
    count = [0]

    def make(name: str, records: str = STEP) -> Path:
        path = folder / "trainadvisor-runs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + records + END)
        count[0] += 1
        os.utime(path, (count[0] * 3600, count[0] * 3600))
        return path

    return make


@pytest.mark.parametrize("name", ["trainadvisor-runs", "."])
def test_a_folder_with_several_runs_names_the_latest(call: Call, made: Callable[..., Path], name: str) -> None:
    """One of them has to be chosen."""
    for run in "abcd":
        made(f"{run}/log.json")
    runs = "trainadvisor-runs/d, trainadvisor-runs/c, trainadvisor-runs/b, ..."
    assert call("diagnose", name).err == f"trainadvisor: {name}: holds 4 runs; name one, the latest first: {runs}\n"


def test_the_only_run_in_a_folder_is_taken(call: Call, made: Callable[..., Path]) -> None:
    """Nothing has to be chosen."""
    made("a/log.json")
    assert call("diagnose", "trainadvisor-runs", "-q").err == ""


def test_a_log_in_which_nothing_happened_is_not_the_latest(call: Call, made: Callable[..., Path]) -> None:
    """One that tells of an error is."""
    made("a/log.json")
    made("b/log.json", "")
    assert "latest log: trainadvisor-runs/a/log.json" in call("check").out
    made("c/log.json", ',\n{"record":"event","kind":"exception","step":0,"subject":"E","detail":{"type":"E"}}')
    assert "latest log: trainadvisor-runs/c/log.json" in call("check").out


def test_what_verify_has_recorded_is_the_latest_where_nothing_else_is(call: Call, made: Callable[..., Path]) -> None:
    """The log of the script as it is, not those of the trials."""
    made("verify-0101-000000-1/01-lr.json")
    assert "there is no log here" in call("check").err
    made("verify-0101-000000-1/baseline.json")
    assert "latest log: trainadvisor-runs/verify-0101-000000-1/baseline.json" in call("check").out
    assert call("diagnose", "verify-0101-000000-1", "-q").err == ""
    made("a/log.json")
    made("verify-0101-000001-1/baseline.json")
    assert "latest log: trainadvisor-runs/a/log.json" in call("check").out


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"schema": "trainadvisor/baseline/1"}', "this is a baseline of `trainadvisor check`"),
        ('{\n "schema": "trainadvisor/verify/1"}', "this is what `trainadvisor verify` wrote"),
        ('{"schema": "trainadvisor/diagnosis/1"}', "this is a report of trainadvisor"),
        ('<!DOCTYPE html><meta name="generator" content="trainadvisor">', "this is a report of trainadvisor"),
    ],
)
def test_what_we_wrote_ourselves_is_known(call: Call, folder: Path, text: str, what: str) -> None:
    """By what stands in it."""
    (folder / "file").write_text(text)
    assert call("diagnose", "file").err == f"trainadvisor: file: {what}; give the log of a run\n"
    assert f"trainadvisor: file: is {what.removeprefix('this is ')}; `trainadvisor run`" in call("run", "file").err


@pytest.mark.parametrize("name", ["best.pth", "model.safetensors", "packed"])
def test_weights_are_no_script(call: Call, folder: Path, name: str) -> None:
    """By their ending, or by what is packed in them."""
    with zipfile.ZipFile(folder / name, "w") as file:
        file.writestr("archive/data.pkl", b"")
    assert f"{name}: is a file of weights, not a script; `trainadvisor run` takes a script" in call("run", name).err


def test_a_folder_is_no_script(call: Call, folder: Path) -> None:
    """What it is, and which script in it may be meant; in the language that was asked for behind it as well."""
    (folder / "code").mkdir()
    assert "code: is a folder; name a script\n" in call("run", "code").err
    for name in ("data.py", "model.py", "_own.py", "test_data.py"):
        (folder / "code" / name).touch()
    assert "code: is a folder; name a script in it: data.py, model.py\n" in call("run", "code").err
    (folder / "code" / "train_lm.py").touch()
    assert "code: is a folder; did you mean code/train_lm.py?\n" in call("preflight", "code").err
    (folder / "code" / "__main__.py").touch()
    assert "did you forget -m before a module's name?" in call("run", "code").err


def test_a_mistake_is_told_in_the_language_that_stands_behind_the_script(call: Call, folder: Path) -> None:
    """Unless the script takes that option itself."""
    assert call("run", "nothere.py", "--lang", "zh").err == "trainadvisor：nothere.py：没有这个脚本；请检查路径\n"
    (folder / "own.py").write_text("parser.add_argument('--lang')")
    assert "neither error, warning nor a code" in call("run", "--stop-on", "x", "own.py", "--lang=zh").err


def test_a_table_names_no_script_to_mend(call: Call, folder: Path) -> None:
    """It is said what would."""
    rows = "".join(f"{step},{1 + step / 10}\n" for step in range(60))
    (folder / "data.csv").write_text("step,loss\n" + rows)
    assert call("fix", "data.csv").err == (
        "trainadvisor: data.csv: the log does not say which script wrote it, so there is no line to change; "
        "record the script with `trainadvisor run train.py`\n"
    )


@pytest.mark.parametrize("word", ["lr_schedule", "LR schedule", "lr-schedule"])
def test_a_code_is_found_however_its_words_are_joined(call: Call, word: str) -> None:
    """The page of that code."""
    assert call("explain", word).out.startswith("lr-schedule ")


def test_a_word_finds_the_codes_of_its_stem_first(call: Call) -> None:
    """And then what mentions it."""
    codes = [line.split()[0] for line in call("explain", "scheduler").out.splitlines() if line.startswith("  ")]
    assert codes[:3] == ["lr-schedule", "schedule-before-step", "scheduler-step-count"]


def test_a_slip_in_a_code_is_answered_with_the_nearest_alone(call: Call) -> None:
    """No other one that shares some letters."""
    assert 'mentions "lr-shedule"; did you mean lr-schedule?' in call("explain", "lr-shedule").err
