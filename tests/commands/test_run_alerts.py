"""`trainadvisor run` with alerts and a gate, and a watcher that calls back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import forkedpython
import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

SCRIPT = """
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
x = torch.randn(256, 8)
y = (x[:, 0] > 0).long()
for _ in range(60):
    rows = torch.randint(0, 256, (32,))
    nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
    optimizer.step()
"""
WATCHED = """
import trainadvisor
got = []
watcher = trainadvisor.watch(model, optimizer)
watcher.on("error", lambda alert: got.append(alert.code))
"""


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the script, which never clears its gradients."""
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    return forkedpython.run(["-m", "trainadvisor", "run", "--log", "log.json", *options, "train.py"], folder)


def test_a_command_is_run_and_the_gate_decides(folder: Path) -> None:
    """The alert has its fields; the exit code is the gate's where the script itself returned 0."""
    hook = folder / "hook.py"
    hook.write_text("import sys; open('alerts', 'a').write(' '.join(sys.argv[1:]) + chr(10))", encoding="utf-8")
    done = run(folder, "--fail-on", "error", "--on-finding", f"{sys.executable} {hook} {{code}} {{severity}}")
    assert done.returncode == 1, done.stderr
    assert (folder / "alerts").read_text(encoding="utf-8").splitlines() == ["missing-zero-grad error"]


def test_without_a_gate_the_exit_code_is_the_scripts(folder: Path) -> None:
    """A report is no gate, and a hook that fails is one line."""
    done = run(folder, "--on-finding", "no-such-program-here {code}")
    assert done.returncode == 0
    assert "alert not delivered (FileNotFoundError" in done.stderr


@pytest.mark.parametrize("option", [("--notify", "slack"), ("--on-finding", "cmd {cod}")])
def test_a_mistake_is_said_before_the_script_starts(
    call: Callable[..., Any], folder: Path, option: tuple[str, str]
) -> None:
    """Exit 2, and nothing is run."""
    (folder / "train.py").write_text("open('ran', 'w')", encoding="utf-8")
    assert call("run", *option, "train.py").code == 2
    assert not (folder / "ran").exists()


def test_a_watcher_calls_back(folder: Path) -> None:
    """At the latest when it is closed; a notebook shows it as a card."""
    head, loop = SCRIPT.split("for _ in", 1)
    body = f"{head}{WATCHED}for _ in{loop}\nwatcher.close()\nprint(got, watcher._repr_html_()[:4])"
    (folder / "train.py").write_text(body, encoding="utf-8")
    done = forkedpython.run(["train.py"], folder)
    assert done.stdout == "['missing-zero-grad'] <div\n", done.stderr
