"""Scripts that end badly under `trainadvisor run`: explained, with traceback, output and exit code as without it."""

import json
import signal
import subprocess
from pathlib import Path

import forkedpython
import pytest
from builders import build_log

from trainadvisor.errors import LogError
from trainadvisor.telling import diagnose

TRAIN = """
import os, signal, sys
import torch
from torch import nn
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for step in range(30):
    {before}
    loss = nn.functional.cross_entropy(model(torch.randn(8, {width})), torch.randint(0, {classes}, (8,)))
    optimizer.zero_grad(); loss.backward(); optimizer.step()
"""
# Kills the process when the log, as it lies on the disk, holds something.
LEAVE = """
import os, pathlib, signal, time
def leave(wanted):
    for _ in range(2000):
        if wanted in pathlib.Path("log.json").read_text():
            break
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def script(folder: Path, text: str) -> Path:
    """Write a script."""
    path = folder / "train.py"
    path.write_text(text, encoding="utf-8")
    return path


def run(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it under the recorder, or as it is."""
    command = ["-m", "trainadvisor", "run", *options] if options else []
    return forkedpython.run([*command, path.name], path.parent, {"COLUMNS": "300"})


def test_an_error_before_the_first_step(tmp_path: Path) -> None:
    """The log stays, the finding names layer and line, no check is told as fine, and Python's own output is whole."""
    path = script(tmp_path, TRAIN.format(before="pass", width=5, classes=3))
    plain, watched = run(path), run(path, "--no-live")
    assert (watched.returncode, watched.stdout) == (plain.returncode, plain.stdout)
    assert watched.stderr.startswith(plain.stderr)
    assert "shape-mismatch" in watched.stderr
    assert "Linear(4, 3) receives 5 features" in watched.stderr
    assert "train.py:9" in watched.stderr
    assert "fine" not in watched.stderr
    assert len(list(tmp_path.glob("trainadvisor-runs/*/log.json"))) == 1


def test_an_error_before_torch_is_imported(tmp_path: Path) -> None:
    """It is explained as well."""
    watched = run(script(tmp_path, 'open("nowhere.csv")\nimport torch\n'), "--log", "log.json")
    assert watched.returncode == 1
    assert "nowhere.csv does not exist" in watched.stderr
    assert diagnose(tmp_path / "log.json").findings[0].where == "train.py:1"


def test_an_interrupt_is_no_crash(tmp_path: Path) -> None:
    """Who presses Ctrl-C knows why the script ended."""
    path = script(tmp_path, TRAIN.format(before="if step == 25: raise KeyboardInterrupt", width=4, classes=3))
    assert run(path, "--log", "log.json").returncode == run(path).returncode
    diagnosis = diagnose(tmp_path / "log.json")
    assert [item.code for item in diagnosis.findings if item.family == "crash"] == []
    assert "exception" not in diagnosis.run


def test_a_killed_process_leaves_its_steps(tmp_path: Path) -> None:
    """All that were done a second before, also of a run that took less; the log says that it breaks off."""
    before = "if step == 25: leave('\"step\":23,')"
    path = script(tmp_path, LEAVE + TRAIN.format(before=before, width=4, classes=3))
    assert run(path, "--log", "log.json").returncode == -signal.SIGKILL
    diagnosis = diagnose(tmp_path / "log.json")
    assert diagnosis.run["steps"] == 24
    assert "the log breaks off after 24 steps: the process was killed" in diagnosis.reasons[0].text
    assert diagnosis.state != "healthy"


def test_a_process_that_is_killed_in_its_first_step(tmp_path: Path) -> None:
    """There is a log, and it calls nothing sound."""
    path = script(tmp_path, LEAVE + TRAIN.format(before="leave('header')", width=4, classes=3))
    assert run(path, "--log", "log.json").returncode == -signal.SIGKILL
    diagnosis = diagnose(tmp_path / "log.json")
    assert (diagnosis.state, diagnosis.reasons[0].code, diagnosis.clear) == ("cannot-tell", "unended", [])
    assert diagnosis.summary.startswith("the log breaks off after 0 steps: the process was killed")
    assert diagnosis.run["script"] == "train.py"


def test_a_finding_hides_no_kill(tmp_path: Path) -> None:
    """That the run broke off is told beside it."""
    losses = [1.0] * 20 + [float("nan")] * 10
    diagnosis = diagnose(build_log(tmp_path, steps=30, columns={"loss": losses, "opt": [0]}, end=None))
    assert diagnosis.state == "broken"
    assert diagnosis.notes[0] == "the log breaks off after 30 steps: the process was killed, or still runs"


def test_a_log_without_a_record(tmp_path: Path) -> None:
    """It is ours, and not a list of rows with nothing in it."""
    (tmp_path / "log.json").write_text("[\n]\n")
    with pytest.raises(LogError, match="its run was killed before it trained, or has not begun to"):
        diagnose(tmp_path / "log.json")


WORKER = """
import os, signal, torch
from torch import nn

class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 100

    def __getitem__(self, index):
        if index == 60:
            {does}
        return torch.randn(4), 0

if __name__ == "__main__":
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for x, y in torch.utils.data.DataLoader(Data(), batch_size=4, num_workers=1):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
"""


@pytest.mark.parametrize(
    ("does", "code", "line"),
    [("os.kill(os.getpid(), signal.SIGKILL)", "worker-died", None), ("[1, 2][2]", "index-out-of-range", 11)],
)
def test_an_end_in_a_worker(tmp_path: Path, does: str, code: str, line: int | None) -> None:
    """A killed worker keeps its event; an error of the data set is told with its own line."""
    run(script(tmp_path, WORKER.format(does=does)), "--log", "log.json")
    finding = diagnose(tmp_path / "log.json").findings[0]
    assert finding.code == code
    assert line is None or finding.where == f"train.py:{line}"


LATE = (
    """
import signal

class Lost(KeyError):
    rung = False

    def __str__(self):
        if not Lost.rung:
            Lost.rung = True
            signal.raise_signal(signal.SIGUSR1)
        return "shard"

def late(number, frame):
    raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. ")

signal.signal(signal.SIGUSR1, late)
"""
    + TRAIN.format(before="pass", width=4, classes=3)
    + """
raise Lost("shard")
"""
)


def test_a_handler_that_raises_when_the_script_is_over_hides_no_error(tmp_path: Path) -> None:
    """As the loader's does, which tells of a dead worker after its queue has broken off."""
    told = run(script(tmp_path, LATE), "--log", "log.json")
    assert (told.returncode, "Lost: shard" in told.stderr, "internal error" in told.stderr) == (1, True, False)
    diagnosis = diagnose(tmp_path / "log.json")
    assert (diagnosis.run["steps"], diagnosis.run["end"], diagnosis.run["exception"]["type"]) == (
        30,
        "exception",
        "Lost",
    )


def test_preflight_explains_a_crash(tmp_path: Path) -> None:
    """The check of the first steps names the finding."""
    path = script(tmp_path, TRAIN.format(before="pass", width=5, classes=3))
    told = forkedpython.run(["-m", "trainadvisor", "preflight", "--format", "json", path.name], tmp_path)
    document = json.loads(told.stdout)
    assert document["checks"][0]["findings"] == ["shape-mismatch"]
    assert document["diagnosis"]["findings"][0]["code"] == "shape-mismatch"
