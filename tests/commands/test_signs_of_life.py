"""On a terminal nobody waits without a sign of life; into a pipe nothing of that goes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import forkedpython
import pytest

from trainadvisor.cli import COMMANDS, MODULES, SERVER
from trainadvisor.status_line import ERASE

if TYPE_CHECKING:
    from pathlib import Path

pty = pytest.importorskip("pty", reason="needs pseudo-terminals")

SECONDS = 8
SLEEPING = f"import time\ntime.sleep({SECONDS})\n"
SCRIPT = """
import time
time.sleep(2)
import torch
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(20):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(2, (8,))).backward()
    optimizer.step()
"""
WAITING = {
    "run": (["run", "slow.py"], "slow.py: starting"),
    "preflight": (["preflight", "--no-experiments", "--steps", "5", "slow.py"], "slow.py: running its first 5 steps"),
    "verify": (["verify", "--budget", "40s", "slow.py"], "slow.py as it is"),
}


def on_a_terminal(arguments: list[str], folder: Path) -> str:
    """Return what a command writes where its streams are a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "trainadvisor", *arguments]
    environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    return told(ours, process)


def read(ours: int) -> bytes:
    """Return what has been written on a terminal, nothing at its end."""
    try:
        return os.read(ours, 65536)
    except OSError:  # Linux says so when nobody holds the other end
        return b""


def into_a_pipe(arguments: list[str], folder: Path) -> str:
    """Return what a command writes where its streams are no terminal."""
    done = forkedpython.run(["-m", "trainadvisor", *arguments], folder)
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", WAITING)
def test_a_slow_start_is_told_every_second(command: str, tmp_path: Path) -> None:
    """While the script sleeps, the line on the terminal counts at least every other second."""
    (tmp_path / "slow.py").write_text(SLEEPING)
    arguments, stage = WAITING[command]
    seen = on_a_terminal(arguments, tmp_path)
    counts = {int(count) for count in re.findall(rf"\x1b\[K  {re.escape(stage)}.*?\((\d+) s", seen)}
    assert min(counts) == 0
    assert len(counts & set(range(SECONDS + 1))) >= SECONDS / 2


def test_the_import_of_torch_is_told(tmp_path: Path) -> None:
    """It takes seconds on a fresh machine, and looks like a hang."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("import time\ntime.sleep(3)\nraise SystemExit\n")
    (tmp_path / "train.py").write_text("import torch\n")
    assert "train.py: importing torch ..." in on_a_terminal(["run", "train.py"], tmp_path)


@pytest.mark.parametrize("command", WAITING)
def test_nothing_of_it_goes_into_a_pipe(command: str, tmp_path: Path) -> None:
    """A log of a CI job is no terminal: no line is drawn over another."""
    (tmp_path / "slow.py").write_text(SCRIPT)
    arguments, stage = WAITING[command]
    seen = into_a_pipe([{"40s": "10s"}.get(argument, argument) for argument in arguments], tmp_path)
    assert ("\x1b" in seen, "\r" in seen, f"{stage} (" in seen) == (False, False, False)


def test_a_fleet_says_how_far_it_is(tmp_path: Path) -> None:
    """From the first moment on, on a terminal only."""
    (tmp_path / "curve.csv").write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(50)))
    assert "looking for logs" in on_a_terminal(["fleet", "--no-cache", "."], tmp_path)
    assert "looking for logs" not in into_a_pipe(["fleet", "--no-cache", "."], tmp_path)


def test_who_follows_a_log_that_is_to_come_is_told_so(tmp_path: Path) -> None:
    """The view is drawn again and again while nothing is there."""
    seen = on_a_terminal(["follow", "--patience", "3", "log.json"], tmp_path)
    assert seen.count("waiting for the first record of log.json") > SECONDS / 2


SLOW = """
import sys, time

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            time.sleep(3)

sys.meta_path.insert(0, Slow())
"""


def beginning(arguments: list[str], folder: Path, module: str) -> tuple[int, subprocess.Popen[bytes]]:
    """Start a command on a terminal, where the import of a module takes two seconds; return its terminal too."""
    place = folder / module
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(SLOW.format(module=module))
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(place)}
    command = [sys.executable, "-m", "trainadvisor", *arguments]
    process = subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    return ours, process


def told(ours: int, process: subprocess.Popen[bytes]) -> str:
    """Return all that a command writes on its terminal."""
    seen = b""
    while part := read(ours):
        seen += part
    os.close(ours)
    process.wait()
    return seen.decode()


# Commands that start at the same time: all of them would take the processor from each other.
AT_ONCE = 5


def test_every_command_says_that_it_is_at_work_while_its_modules_are_imported(tmp_path: Path) -> None:
    """Within a second, whatever takes long on a busy machine, and nothing of that is left."""
    names = sorted({*COMMANDS} - {SERVER})
    seen = {}
    for some in (names[first : first + AT_ONCE] for first in range(0, len(names), AT_ONCE)):
        modules = [f"trainadvisor.commands.{MODULES.get(name, name)}" for name in some]
        begun = [beginning([name, "--help"], tmp_path, module) for name, module in zip(some, modules, strict=True)]
        seen |= {name: told(*one) for name, one in zip(some, begun, strict=True)}
    assert [name for name in names if not re.search(rf"trainadvisor {name}: working \(\d s\)", seen[name])] == []
    assert [name for name in names if f"{name}: working" in seen[name].rpartition(ERASE)[2]] == []


AT_WORK = {
    "diagnose": (["diagnose", "curve.csv"], "trainadvisor.report.text.full_report"),
    "lint": (["lint", "train.py"], "trainadvisor.telling.told_sources"),
    "explain": (["explain", "nan-loss"], "trainadvisor.report.text.code_explained"),
    "check": (["check", "curve.csv"], "trainadvisor.report.text.gate_report"),
    "compare": (["compare", "curve.csv", "curve.csv"], "trainadvisor.report.text.compared"),
}


def test_a_command_is_at_work_until_it_has_something_to_say(tmp_path: Path) -> None:
    """Between its stages too."""
    (tmp_path / "curve.csv").write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(50)))
    (tmp_path / "train.py").write_text("import torch\n")
    begun = {name: beginning(arguments, tmp_path, module) for name, (arguments, module) in AT_WORK.items()}
    seen = {name: told(*one) for name, one in begun.items()}
    assert [name for name in AT_WORK if f"trainadvisor {name}: working (" not in seen[name]] == []


@pytest.mark.parametrize("command", [["diagnose"], ["check"], ["fix", "--dry-run"], ["compare", "curve.csv"]])
def test_a_long_log_is_said_to_be_judged(command: list[str], tmp_path: Path) -> None:
    """By every command that judges one, once that takes more than a second: here its last module does."""
    (tmp_path / "curve.csv").write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(50)))
    begun = beginning([*command, "curve.csv"], tmp_path, "trainadvisor.telling.told_findings")
    assert "judging curve.csv (1 s)" in told(*begun)
