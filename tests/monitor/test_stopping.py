"""`--stop-on`: what decides, and a script that is really stopped, with and without the live view."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import forkedpython
import orjson
import pytest

from trainadvisor.judge.result import Finding
from trainadvisor.monitor.finding_events import Standing
from trainadvisor.monitor.stopping import Stopper, StoppingThread

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

SCRIPT = """
import sys, time, torch
from torch import nn
torch.manual_seed(0)
pause, clears = float(sys.argv[1]), sys.argv[2] == "clears"
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x = torch.randn(256, 8)
y = (x[:, 0] > 0).long()
for step in range(400):
    rows = torch.randint(0, 256, (32,))
    if clears:
        optimizer.zero_grad()
    nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
    optimizer.step()
    time.sleep(pause)
print("done", step)
"""
VIEWS = pytest.mark.parametrize("view", [[], ["--no-live"]], ids=["live", "no-live"])
PAUSES = pytest.mark.parametrize("pause", ["0", "0.01"])


def standing(code: str = "a", since: int = 10, **fields: Any) -> Standing:
    """Return a finding that stands."""
    plain = {"family": "x", "kind": "cause", "severity": "error", "confidence": "likely", "title": "a", "sentence": "a"}
    return Standing(Finding.model_validate({**plain, "code": code, **fields}), since, told=True)


def test_it_counts_from_the_onset() -> None:
    """And tells when to look again."""
    stopper = Stopper("error", 50)
    assert (stopper.consider([standing()], 40), stopper.decided) == (60, None)
    assert stopper.consider([], 50) is None
    stopper.consider([standing()], 60)
    assert stopper.decided is not None


@pytest.mark.parametrize(
    ("wanted", "entry", "stops"),
    [
        ("error", standing(severity="warning"), False),
        ("warning", standing(severity="warning"), True),
        ("warning", standing(severity="error"), True),
        ("error", standing(confidence="possible"), False),
        ("a", standing(confidence="possible"), True),
        ("b", standing(), False),
    ],
)
def test_what_is_wanted(wanted: str, entry: Standing, stops: bool) -> None:  # noqa: FBT001 - a case of the table
    """A severity means itself and worse, if likely at least; a code means that code."""
    stopper = Stopper(wanted, 50)
    stopper.consider([entry], 100)
    assert (stopper.decided is not None) == stops


@pytest.mark.parametrize(
    ("asked", "usual", "waited_at", "step", "ahead"),
    [
        (None, None, None, 40, False),
        (0, None, None, 0, True),
        (0, 0.1, None, 19, False),
        (0, 0.1, None, 20, True),
        (0, 2.1, None, 1, True),
        (0, 2.0, None, 1, False),
        (10, 2.1, 5, 24, False),
        (10, 2.1, 5, 25, True),
    ],
)
def test_a_training_waits_for_a_look_that_it_runs_away_from(
    asked: int | None,
    usual: float | None,
    waited_at: int | None,
    step: int,
    ahead: bool,  # noqa: FBT001 - a table
) -> None:
    """From the first step on: by twenty steps, or where a look usually takes as long; then not for twenty steps."""
    judge = SimpleNamespace(pace=SimpleNamespace(cost=usual))
    thread = StoppingThread(judge, SimpleNamespace(complain=print), SimpleNamespace(), Stopper("error", 50))
    thread._asked = asked
    if waited_at is not None:
        thread._waited_at = waited_at
    assert thread._is_ahead(step, 0.1) is ahead


def run(folder: Path, *words: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """Run the script under `trainadvisor run`; return how it went and the log."""
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    done = forkedpython.run(["-m", "trainadvisor", "run", "--log", "log.json", *words], folder, environment)
    return done, orjson.loads((folder / "log.json").read_bytes())


@VIEWS
@PAUSES
def test_a_script_without_zero_grad_is_stopped_within_a_hundred_steps(
    tmp_path: Path, view: list[str], pause: str
) -> None:
    """The first stale gradient is that of step 1; the script ends as by Ctrl-C, and only we say why."""
    done, log = run(tmp_path, "--stop-on", "error", *view, "train.py", pause, "never-clears")
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert 51 <= log[-1]["steps"] <= 101
    assert log[-1]["reason"] == "interrupted"
    assert done.stderr.count("trainadvisor: missing-zero-grad has persisted; interrupting the script at step ") == 1
    assert done.stderr.count("error[missing-zero-grad] since step 1: ") == 1
    assert "KeyboardInterrupt" in done.stderr
    assert "trainadvisor/" not in done.stderr.partition("Traceback")[2].partition("KeyboardInterrupt")[0]


@VIEWS
def test_the_report_at_the_stop_is_that_of_the_log(tmp_path: Path, view: list[str]) -> None:
    """`diagnose` of the log that was left tells nothing else, and what stopped the script comes first in both."""
    done, _ = run(tmp_path, "--stop-on", "error", *view, "train.py", "0", "never-clears", COLUMNS="100")
    told = forkedpython.run(["-m", "trainadvisor", "diagnose", "log.json"], tmp_path, {"COLUMNS": "100"}).stdout
    rest = [line for line in done.stderr.splitlines() if not line.startswith("full report:")]
    assert "\n".join(rest).endswith(told.rstrip("\n")), done.stderr
    assert [line.partition(":")[0] for line in told.splitlines() if line.startswith("error[")][:1] == [
        "error[missing-zero-grad]"
    ]


@pytest.mark.parametrize(("view", "pause"), [([], "0.01"), (["--no-live"], "0")], ids=["live", "no-live"])
def test_a_healthy_script_is_not_stopped(tmp_path: Path, view: list[str], pause: str) -> None:
    """Its output and exit code are its own."""
    done, log = run(tmp_path, "--stop-on", "error", *view, "train.py", pause, "clears")
    assert (done.returncode, done.stdout) == (0, "done 399\n"), done.stderr
    assert (log[-1]["reason"], log[-1]["steps"]) == ("finished", 400)
    assert "interrupting" not in done.stderr


def test_without_being_asked_nothing_is_judged_while_a_script_runs(tmp_path: Path) -> None:
    """No thread, and the script without zero_grad runs to its end."""
    done, log = run(tmp_path, "--no-live", "train.py", "0", "never-clears")
    assert (done.returncode, done.stdout) == (0, "done 399\n"), done.stderr
    assert log[-1]["steps"] == 400
