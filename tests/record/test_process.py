"""`trainadvisor run` as a process of its own: what only a process shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import forkedpython
import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TRAINING = """
import os, signal, sys, time
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(3)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(steps):
    x = torch.randn(8, 4)
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
    loss.backward()
    optimizer.step()
"""

EVERYTHING = """
import copy, io, os, pickle, subprocess, sys
import multiprocessing
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Data(Dataset):
    def __len__(self):
        return 16

    def __getitem__(self, index):
        x = torch.randn(4, generator=torch.Generator().manual_seed(index))
        return x, int(x[:3].argmax())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


def train(model, **options):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    losses = []
    for x, y in DataLoader(Data(), 4, **options):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(round(loss.item(), 6))
    return losses


def work(model, queue):
    queue.put(len(train(model)))


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Net()
    print(train(model, num_workers=1, multiprocessing_context="fork"))
    print(train(model, num_workers=1, multiprocessing_context="spawn"))
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    print(train(torch.load(file, weights_only=False)))
    torch.save(model, "model.pt")
    print(len(pickle.dumps(model)), train(copy.deepcopy(model)))
    print(subprocess.run([sys.executable, "-c", "print('child')"], capture_output=True, text=True).stdout)
    with torch.autograd.set_detect_anomaly(True):
        print(train(model))
    print(train(torch.jit.script(model)), train(torch.jit.trace(model, torch.randn(2, 4))))

    @torch.jit.script
    def objective(x: torch.Tensor, y: torch.Tensor):
        return F.cross_entropy(x, y)

    print(round(objective(torch.ones(2, 3), torch.tensor([0, 1])).item(), 4), train(torch.fx.symbolic_trace(model)))
    model.share_memory()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    processes = [context.Process(target=work, args=(model, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    print([queue.get() for _ in processes])
    for process in processes:
        process.join()
    sys.stdout.flush()
    if os.fork() == 0:
        sys.exit(0)
    os.wait()
"""

LOADING = """
import sys, torch, __main__
class Net(torch.nn.Module):
    def forward(self, x):
        return self.b(torch.relu(self.a(x)))
__main__.Net = Net
print(tuple(torch.load("model.pt", weights_only=False)(torch.zeros(1, 4)).shape))
print([name for name in sys.modules if "trainadvisor" in name])
"""

COMPILED = """
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
torch.set_num_threads(1)


def train(model, step):
    for _ in range(6):
        x = torch.randn(8, 4)
        print(round(step(model, x, x[:, :3].argmax(1)).item(), 6))


def make():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def step(model, x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


model = torch.compile(make(), backend="aot_eager", fullgraph=True)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
train(model, step)
model = make()
optimizer = torch.optim.SGD(model.parameters(), 0.1)
train(model, torch.compile(step, backend="aot_eager"))
"""


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs a script by plain python or by us (`run=True`), in one folder, and with torch imported before.

    Where that matters, `fresh=True` starts a process anew.
    """

    def call(
        source: str, *options: str, run: bool = True, fresh: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        command = _command(tmp_path, source, *options, run=run)
        if fresh:
            return subprocess.run(command, **_setting(tmp_path, environment), check=False)
        return forkedpython.run(command[1:], tmp_path, environment)

    return call


def _command(folder: Path, source: str, *options: str, run: bool = True) -> list[str]:
    (folder / "train.py").write_text(textwrap.dedent(source), encoding="utf-8")
    ours = ["-m", "trainadvisor", "run", "--log", "log.json", *options]
    return [sys.executable, *(ours if run else []), "train.py"]


def _setting(folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    known = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **environment}
    return {"cwd": folder, "env": known, "capture_output": True, "text": True, "timeout": 240}


def _log(folder: Path) -> list[Any]:
    return orjson.loads((folder / "log.json").read_bytes())


def _failures(records: list[Any]) -> list[Any]:
    return [record["detail"] for record in records if record.get("kind") == "probe-failed"]


def test_workers_pickles_copies_and_children_work_as_ever(python: Callable[..., Any], tmp_path: Path) -> None:
    """Byte-identical output, and a saved model that loads where nothing of ours is imported."""
    plain, recorded = python(EVERYTHING, run=False), python(EVERYTHING, "--no-live")
    assert (plain.returncode, recorded.returncode) == (0, 0), recorded.stderr
    assert recorded.stdout == plain.stdout
    assert "Traceback" not in recorded.stderr
    records = _log(tmp_path)
    assert _failures(records) == []
    assert records[-1]["steps"] == 8 * 4
    assert recorded.stderr.count("full report:") == 1
    assert python(LOADING, run=False).stdout == "(1, 3)\n[]\n"


def test_compiled_models_and_steps_are_recorded_and_not_disturbed(python: Callable[..., Any], tmp_path: Path) -> None:
    """A model compiled as one graph, and a step that is compiled as a whole: the parameters show that it was taken."""
    plain, recorded = python(COMPILED, run=False), python(COMPILED, "--no-live")
    assert recorded.stdout == plain.stdout
    assert recorded.stderr.count("Warning") == plain.stderr.count("Warning")
    records = _log(tmp_path)
    assert _failures(records) == []
    assert records[0]["models"][0]["compiled"] is True
    assert [record["opt"] for record in records if record["record"] == "step"] == [[0]] * 6 + [[1]] * 6
    tally = [record["detail"] for record in records if record.get("kind") == "tally"][-1]
    assert (tally["step"], tally["backward"], tally["stale_steps"]) == (12, 12, 0)


def test_the_log_is_complete_after_os_exit(python: Callable[..., Any], tmp_path: Path) -> None:
    """The exit code is the script's, its last records are in the log."""
    done = python("steps = 5\n" + TRAINING + "os._exit(4)\n", "--no-live")
    assert done.returncode == 4
    records = _log(tmp_path)
    assert (records[-1]["reason"], records[-1]["steps"]) == ("exit", 5)


def test_torch_is_imported_by_the_script(python: Callable[..., Any]) -> None:
    """What the script sets before that takes effect; a script without torch is told so in one sentence."""
    source = "import os, sys\nprint('torch' in sys.modules)\nos.environ['OMP_NUM_THREADS'] = '2'\n"
    done = python(source + "import torch\nprint(torch.get_num_threads())\nsys.exit(5)", fresh=True, OMP_NUM_THREADS="1")
    assert (done.returncode, done.stdout) == (5, "False\n2\n")
    assert done.stderr == "trainadvisor: train.py ended with exit code 5 before it trained: nothing was recorded\n"
    done = python("print('hello')", fresh=True)
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert done.stderr.count("\n") == 1
    assert "no torch training ran in train.py" in done.stderr


def test_switched_off_it_is_plain_python(python: Callable[..., Any], tmp_path: Path) -> None:
    """TRAINADVISOR=0: no word, no log, the script's exit code."""
    done = python(
        "import sys\nprint('trainadvisor' in sys.modules, sys.argv)\nsys.exit(6)", fresh=True, TRAINADVISOR="0"
    )
    assert (done.returncode, done.stdout, done.stderr) == (6, "False ['train.py']\n", "")
    assert not (tmp_path / "log.json").exists()


def _interrupted(folder: Path, number: int, source: str, *options: str) -> tuple[int, str, str]:
    command = _command(folder, source, *options)
    setting = _setting(folder, {})
    del setting["capture_output"], setting["timeout"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **setting)
    assert process.stdout is not None
    assert process.stdout.readline() == "going\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


ENDLESS = (
    "steps = 30\n"
    + TRAINING
    + "import atexit; atexit.register(print, 'bye')\nprint('going', flush=True)\ntime.sleep(60)\n"
)


def test_ctrl_c_ends_the_script_and_prints_the_verdict(tmp_path: Path) -> None:
    """It ends by the signal, as python does, after the script's own exit handlers."""
    code, out, err = _interrupted(tmp_path, signal.SIGINT, ENDLESS)
    assert (code, out) == (-signal.SIGINT, "bye\n")
    assert err.count("KeyboardInterrupt") == 1
    assert "full report:" in err
    assert not re.search(r"File .*trainadvisor", err)
    assert (_log(tmp_path)[-1]["reason"], _log(tmp_path)[-1]["steps"]) == ("interrupted", 30)


def test_sigterm_kills_as_ever_and_leaves_a_readable_log(tmp_path: Path) -> None:
    """What was flushed before is there."""
    loop = "steps = 30\n" + TRAINING + "    if step == 20: time.sleep(1.1)\n"
    code, _, _ = _interrupted(tmp_path, signal.SIGTERM, loop + "print('going', flush=True)\ntime.sleep(60)\n")
    assert code == -signal.SIGTERM
    assert sum(record["record"] == "step" for record in _log(tmp_path)) >= 20


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_stop_on_interrupts_so_that_handlers_run(python: Callable[..., Any], tmp_path: Path, handler: Any) -> None:
    """The script catches the interrupt, saves and leaves, also where interrupts are ignored, as nohup has it."""
    source = """
        steps = 10**6
        try:
        %s
                if step > 40: time.sleep(0.02)
                loss = (loss * float("nan")) if step > 5 else loss
        except KeyboardInterrupt:
            print("saved")
        """
    body = textwrap.indent(
        TRAINING.replace("loss.backward()", "(loss * (float('nan') if step > 5 else 1)).backward()"), " " * 4
    )
    started, before = time.monotonic(), signal.signal(signal.SIGINT, handler)
    try:
        done = python(textwrap.dedent(source) % body, "--stop-on", "error", "--stop-after", "5", fresh=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.returncode, done.stdout) == (1, "saved\n"), done.stderr
    assert time.monotonic() - started < 120
    assert _log(tmp_path)[-1]["reason"] == "finished"
