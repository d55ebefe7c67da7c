"""`trainadvisor run` hands the script its own arguments, all of them and none of ours."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEFAULTS = {
    "module": False,
    "log": None,
    "every": None,
    "overhead": None,
    "stop_on": None,
    "stop_after": 50,
    "lang": "en",
    "live": True,
    "report": None,
    "alerter": None,
    "fail_on": "never",
    "verbose": False,
}


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[tuple[str, list[str], dict[str, Any]]]:
    """Put a stand-in for the recorder in place, and return the list of its calls."""
    calls = []
    stand_in = ModuleType("trainadvisor.monitor.console")

    def run_script(target: str, args: list[str], **options: Any) -> int:
        calls.append((target, args, options))
        return 7

    vars(stand_in)["run_script"] = run_script
    monkeypatch.setitem(sys.modules, "trainadvisor.monitor.console", stand_in)
    (folder / "train.py").write_text("", encoding="utf-8")
    return calls


def test_arguments_after_the_script_are_its_own(call: Callable[..., Any], handed: list[Any], folder: Path) -> None:
    """Even those that look like ours, and the double dash."""
    args = ["--log", "x", "-m", "--", "-v", "--lang=zh", "--help"]
    (folder / "train.py").write_text("import sys\nsys.argv", encoding="utf-8")
    assert call("run", "train.py", *args).code == 7
    assert handed == [("train.py", args, DEFAULTS)]


def test_options_before_the_script_are_ours(call: Callable[..., Any], handed: list[Any], folder: Path) -> None:
    """All of them arrive."""
    call(
        "run",
        "--log",
        "a.json",
        "--every",
        "5",
        "--overhead",
        "2 %",
        "--no-live",
        "--lang",
        "zh",
        "--stop-after",
        "9",
        "train.py",
        "--lr",
        "1",
    )
    log = type(folder)("a.json")
    changed = {"log": log, "every": 5, "overhead": 0.02, "live": False, "lang": "zh", "stop_after": 9}
    assert handed == [("train.py", ["--lr", "1"], DEFAULTS | changed)]


def test_the_configured_budget_holds_without_the_option(
    call: Callable[..., Any], handed: list[Any], folder: Path
) -> None:
    """What pyproject says is passed on; an option wins over it, and no share at all is refused."""
    (folder / "pyproject.toml").write_text('[tool.trainadvisor]\nrecord = { max-overhead = "3 %" }\n', encoding="utf-8")
    call("run", "train.py")
    call("run", "--overhead", "0.5%", "train.py")
    assert [options["overhead"] for _, _, options in handed] == [0.03, 0.005]
    refused = call("run", "--overhead", "much", "train.py")
    assert refused.code == 2
    assert "overhead='much': no part of the time" in refused.err


def test_a_module_keeps_its_arguments_too(call: Callable[..., Any], handed: list[Any]) -> None:
    """`-m pkg.train --epochs 3` is read as python reads it."""
    call("run", "-m", "pkg.train", "--epochs", "3", "--log", "x")
    assert handed == [("pkg.train", ["--epochs", "3", "--log", "x"], DEFAULTS | {"module": True})]


def test_the_script_does_not_see_our_click_context(
    call: Callable[..., Any], handed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that is itself a click program finds none above it."""
    contexts = []
    stand_in = ModuleType("trainadvisor.monitor.console")
    vars(stand_in)["run_script"] = lambda *args, **options: contexts.append(click.get_current_context(silent=True)) or 0
    monkeypatch.setitem(sys.modules, "trainadvisor.monitor.console", stand_in)
    assert call("run", "train.py").code == 0
    assert contexts == [None]


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["trian.py"], "trian.py: there is no such script; did you mean train.py?"),
        (["train"], "train: there is no such script; did you mean train.py?"),
        (["other.py"], "other.py: there is no such script; scripts there: train.py"),
        (["data.csv"], "data.csv: there is no such script; scripts there: train.py"),
        (["pkg.run"], "pkg.run: there is no such script; scripts there: train.py"),
        (["json.tool"], "json.tool: there is no such script; did you forget -m before a module's name?"),
        (
            ["--lr", "1", "train.py"],
            "if it belongs to the script, write it behind the script: trainadvisor run train.py --lr 1",
        ),
        (["--lr=1", "-m", "train"], "there is no option --lr; an option of the script is written behind it"),
        (["--reprot", "x.html", "train.py"], "there is no option --reprot; did you mean --report;"),
        (
            ["--stop-on", "nan-los", "train.py"],
            'neither error, warning nor a code; did you mean "nan-loss"?',
        ),
        (["--report", "out.pdf", "train.py"], "out.pdf: no format goes by this ending; use one of .html, .txt, .json"),
        (["--report", "no/out.md", "train.py"], "no/out.md: there is no folder no; make it first"),
        (["--every", "0", "train.py"], "0 is not in the range x>=1"),
        ([], "which script? Example: trainadvisor run train.py"),
    ],
)
def test_what_cannot_work_is_said_before_torch_is_loaded(
    call: Callable[..., Any], handed: list[Any], args: list[str], complaint: str
) -> None:
    """One line, exit 2, nothing run."""
    outcome = call("run", *args)
    assert (outcome.code, outcome.err.count("\n"), handed) == (2, 1, [])
    assert complaint in outcome.err


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("train.py --report x.html", "--report x.html train.py"),
        ("--every 5 train.py --lr 1 --no-live --log=a.json", "--no-live --log=a.json --every 5 train.py --lr 1"),
    ],
)
def test_an_option_of_ours_behind_a_script_without_it_stops_before_anything_runs(
    handed: list[Any], folder: Path, call: Callable[..., Any], given: str, right: str
) -> None:
    """The command is told as it was meant."""
    (folder / "train.py").write_text("import argparse\nargparse.ArgumentParser().add_argument('--lr')\n")
    outcome = call("run", *given.split())
    assert (outcome.code, handed, outcome.err.count("\n")) == (2, [], 1)
    assert outcome.err.endswith(f"come before the script: trainadvisor run {right}\n")


@pytest.mark.parametrize(
    "source",
    [
        "parser.add_argument('--report')",
        "parser.add_argument('--re', dest='report')",
        "class Settings:\n    report: str = ''",
    ],
)
def test_an_option_that_the_script_names_is_its_own(
    handed: list[tuple[str, list[str], dict[str, Any]]], folder: Path, call: Callable[..., Any], source: str
) -> None:
    """Nothing is said."""
    (folder / "train.py").write_text(source)
    assert call("run", "train.py", "--report", "x.html").err == ""
    assert handed[0][1] == ["--report", "x.html"]


@pytest.mark.parametrize("source", ["import sys\nsys.argv", "import parts", "from tyro import cli", "from .a import b"])
def test_an_option_that_may_be_the_scripts_goes_to_it_and_is_told(
    handed: list[tuple[str, list[str], dict[str, Any]]], folder: Path, call: Callable[..., Any], source: str
) -> None:
    """One line; an option that scripts have as well is not remarked on."""
    (folder / "train.py").write_text(source)
    (folder / "parts.py").write_text("")
    outcome = call("run", "train.py", "--report", "x.html")
    assert handed[0][1] == ["--report", "x.html"]
    assert outcome.err.splitlines()[0] == (
        "trainadvisor: --report comes after train.py and goes to the script; "
        "options of trainadvisor come before it: trainadvisor run --report ... train.py"
    )
    assert call("run", "train.py", "--log", "x").err == ""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_interrupt_before_the_script_begins_leaves_nothing(
    folder: Path, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    """One line, and no log."""
    from trainadvisor.monitor.running_judge import LogJudge

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LogJudge, "prepare", interrupt)
    (folder / "train.py").write_text("")
    outcome = call("run", "--lang", lang, "train.py")
    said = {
        "en": ": canceled before the script began; nothing was recorded",
        "zh": "：已取消：脚本尚未开始，未记录任何内容",
    }
    assert (outcome.code, outcome.err) == (130, f"trainadvisor{said[lang]}\n")
    assert list(folder.glob("trainadvisor-runs/*")) == []
