"""The frame of the command line: help, version, exit codes, and one line for every failure."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log

from trainadvisor import __version__, configuration
from trainadvisor.cli import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., Any]

HEAVY = ("torch", "scipy", "rich", "numpy", "pydantic", "sklearn")


def loaded(*args: str) -> set[str]:
    """Return the packages that a command imports, of those that cost time."""
    code = f"""
import sys
from trainadvisor.cli import main
try:
    main({list(args)!r})
finally:
    print(*({set(HEAVY)!r} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_lists_every_command(call: Call) -> None:
    """The list of the help page is the list of commands."""
    outcome = call("--help")
    assert outcome.code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in outcome.out] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_page(call: Call, name: str) -> None:
    """Each answers --help without doing anything."""
    outcome = call(name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: trainadvisor {name}")


def test_no_command_prints_the_help_page(call: Call) -> None:
    """`trainadvisor` alone says what to do next."""
    outcome = call()
    assert (outcome.code, outcome.out) == (0, call("--help").out)


def test_help_imports_nothing_that_costs_time() -> None:
    """Help answers at once."""
    assert loaded("--help") == set()
    assert loaded("run", "--help") == set()


@pytest.mark.parametrize("args", [("rules",), ("explain",), ("explain", "nan-loss"), ("rules", "--json")])
def test_reading_rules_imports_neither_torch_nor_scipy_nor_rich(args: tuple[str, ...]) -> None:
    """Rules are text."""
    assert loaded(*args) & {"torch", "scipy", "rich"} == set()


def test_judging_imports_neither_torch_nor_rich(folder: Path) -> None:
    """A log is judged where there is no torch."""
    log = build_log(folder, columns={"loss": [2.0] * 200, "lr": 0.1}, steps=200)
    assert loaded("diagnose", str(log), "-q") & {"torch", "rich"} == set()


def test_version(call: Call) -> None:
    """The version is the package's."""
    assert call("--version").out == f"trainadvisor {__version__}\n"


def test_verbose_version_says_what_works_here(call: Call, folder: Path) -> None:
    """What a bug report needs: versions, device, folder, rules."""
    lines = call("--version", "-v").out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["python", "torch"]
    assert f"  folder     {folder} can be written" in lines


def test_an_unknown_command_suggests_the_nearest(call: Call) -> None:
    """A slip of the finger costs one line."""
    outcome = call("diagnos")
    assert outcome.code == 2
    assert (
        outcome.err
        == 'trainadvisor: there is no command "diagnos"; did you mean "diagnose"; see `trainadvisor --help`\n'
    )


def test_a_script_in_place_of_a_command_suggests_run(call: Call) -> None:
    """`trainadvisor train.py` is what many try first."""
    assert "did you mean `trainadvisor run train.py`" in call("train.py").err


def test_an_unknown_option_is_one_line(call: Call) -> None:
    """No page of usage for a slip."""
    outcome = call("diagnose", "--verbos")
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "--verbose" in outcome.err


def test_a_mistake_in_the_settings_is_one_line(call: Call, folder: Path) -> None:
    """The user's own mistakes never show a traceback."""
    (folder / "pyproject.toml").write_text("[tool.trainadvisor]\nlnag = 3\n", encoding="utf-8")
    outcome = call("rules")
    assert outcome.code == 2
    assert outcome.err.startswith(f'trainadvisor: {folder / "pyproject.toml"}: [tool.trainadvisor] has no key "lnag"')
    assert outcome.err.count("\n") == 1


def test_an_internal_error_is_one_line_and_code_4(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own mistakes do not either, and say how to show one."""
    monkeypatch.setattr(configuration, "load", lambda: 1 / 0)
    outcome = call("rules")
    assert outcome.code == 4
    assert outcome.err == (
        "trainadvisor: internal error, ZeroDivisionError: division by zero; this is our fault; "
        "`trainadvisor --debug ...` shows where\n"
    )


def test_debug_shows_the_traceback(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wants to mend it sees where."""
    monkeypatch.setattr(configuration, "load", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call("--debug", "rules")


def test_a_closed_pipe_is_no_error() -> None:
    """`trainadvisor signals | head -1` says nothing on stderr."""
    command = f"{sys.executable} -m trainadvisor signals --json | head -1"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[\n", "")
