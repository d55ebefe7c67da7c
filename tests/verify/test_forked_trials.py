"""Trials that are forks of a prepared process: as those in a process of their own, and fresh where they cannot be."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from trainadvisor.script_mark import mark_of
from trainadvisor.trials import fork_server
from trainadvisor.trials.child_process import Setting, execute
from trainadvisor.trials.forked_trials import ForkServer, suits
from trainadvisor.trials.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="trials are forked on Linux only")

SCRIPT = """
import atexit, json, os, random, sys, tempfile
import numpy as np
import torch
import helper
model = torch.nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(5):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,))).backward()
    optimizer.step()
atexit.register(print, "left")
print(json.dumps({
    "argv": sys.argv[1:], "name": __name__, "file": os.path.basename(__file__), "path": sys.path[0] == os.getcwd(),
    "folder": os.path.basename(os.getcwd()), "leads": os.getpgid(0) == os.getpid(),
    "input": sys.stdin.read(), "helper": helper.VALUE,
    "temporary": os.path.basename(os.path.dirname(tempfile.gettempdir())).startswith("trainadvisor-"),
}))
print("to stderr", file=sys.stderr)
sys.exit(3)
"""
RANDOM = "import random, numpy, torch\nprint(random.random(), numpy.random.rand())\n"


@pytest.fixture
def forks() -> Iterator[ForkServer]:
    """A prepared process."""
    server = ForkServer()
    yield server
    server.close()


def ran(
    tmp_path: Path, text: str, forks: ForkServer | None, name: str = "baseline", **limits: float
) -> tuple[object, ...]:
    """Run a script as a trial; return exit code, why it was stopped, and the ends of its outputs."""
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(text)
    (folder / "helper.py").write_text("VALUE = 7\n")
    job = Job("train.py", ("--rate=1",), module=False, name=name, **limits)
    outcome = execute(job, Setting(folder, tmp_path / "logs"), forks=forks)
    return outcome.code, outcome.stopped, outcome.stdout, outcome.stderr


def test_a_forked_trial_is_as_one_in_a_process_of_its_own(tmp_path: Path, forks: ForkServer) -> None:
    """In its folder, arguments, imports, outputs, exit handlers and exit code; and it writes the same kind of log."""
    told = [ran(tmp_path, SCRIPT, server, name) for server, name in ((None, "fresh"), (forks, "forked"))]
    assert told[0] == told[1]
    assert (told[0][0], '"temporary": true' in str(told[0][2]), forks.process is not None) == (3, True, True)
    kinds = [[json.loads(line.strip(",")).get("record") for line in path.read_text().splitlines() if len(line) > 1]
             for path in (tmp_path / "logs" / "fresh.json", tmp_path / "logs" / "forked.json")]  # fmt: skip
    assert [found.count("step") for found in kinds] == [5, 5]


def test_the_log_of_a_trial_has_the_mark_of_its_script(tmp_path: Path, forks: ForkServer) -> None:
    """Also where torch was imported before the script ran: by the mark, `fix` knows whether the script has changed."""
    for server, name in ((None, "fresh"), (forks, "forked")):
        ran(tmp_path, SCRIPT, server, name)
        header = json.loads((tmp_path / "logs" / f"{name}.json").read_text().splitlines()[1].strip(","))
        assert header["script_mark"] == mark_of(SCRIPT)


@pytest.mark.parametrize("fit", [True, False])
def test_only_what_outlives_a_fork_is_forked(monkeypatch: pytest.MonkeyPatch, fit: bool) -> None:  # noqa: FBT001 - what is told
    """The prepared process says so first, and serves no request where it does not."""
    served: list[str] = []
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    monkeypatch.setattr(fork_server, "_fit", lambda: fit)
    monkeypatch.setattr(fork_server, "serve", lambda _: served.append("served"))
    assert fork_server.main([str(other.detach())]) == 0
    assert json.loads(own.recv(100)) == {"fit": fit}
    assert served == ["served"] * fit
    own.close()


def test_forks_share_no_random_numbers(tmp_path: Path, forks: ForkServer) -> None:
    """An unseeded script draws others each time."""
    first, second = (ran(tmp_path, RANDOM, forks, name)[2] for name in ("one", "two"))
    assert first
    assert all(one != other for one, other in zip(str(first).split(), str(second).split(), strict=True))


def test_a_forked_trial_is_stopped_at_its_limit(tmp_path: Path, forks: ForkServer) -> None:
    """As one in a process of its own."""
    assert ran(tmp_path, "import time\ntime.sleep(600)\n", forks, limit=1.0)[:2] == (None, "limit")


def test_a_killed_trial_has_the_signal_as_its_code(tmp_path: Path, forks: ForkServer) -> None:
    """As subprocess tells it."""
    assert ran(tmp_path, "import signal\nsignal.raise_signal(9)\n", forks)[0] == -signal.SIGKILL


def test_without_the_prepared_process_a_trial_is_fresh(tmp_path: Path, forks: ForkServer) -> None:
    """Whatever has ended it."""
    assert ran(tmp_path, RANDOM, forks)[0] == 0
    assert forks.process is not None
    os.kill(forks.process.pid, signal.SIGKILL)
    forks.process.wait()
    assert [ran(tmp_path, RANDOM, forks, name)[0] for name in ("next", "last")] == [0, 0]


@pytest.mark.parametrize(
    ("text", "told"),
    [("import torch\n", True), ("import os\nos.environ['OMP_NUM_THREADS'] = '1'\nimport torch\n", False)],
)
def test_a_script_that_sets_variables_gets_a_process_of_its_own(tmp_path: Path, text: str, told: bool) -> None:  # noqa: FBT001 - what is told
    """They may be those that torch reads when it is imported."""
    (tmp_path / "train.py").write_text(text)
    assert suits(tmp_path / "train.py") is told
    assert not suits(None)
