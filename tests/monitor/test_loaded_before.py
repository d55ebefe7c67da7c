"""What judges beside a training is loaded before the script goes on: what a thread reads may be closed under it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys, time, torch, trainadvisor
from trainadvisor import background
from trainadvisor.monitor.look_pace import LookPace
LookPace.__init__.__defaults__ = (0.05, 0.05)
torch.manual_seed(0)
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=0.1)
watcher = trainadvisor.watch(model, optimizer, log="log.json")
{begin}
loaded, opened, got = [], [], []
def heard(event, args):
    if background.here() in ("trainadvisor-judge", "trainadvisor-notebook"):
        if event == "import": loaded.append(args[0])
        if event == "open": opened.append(args[0])
sys.addaudithook(heard)
over = time.monotonic() + 60
def judged(): return any(frame is not None for frame in [judge.diagnosis])
while not judged() and time.monotonic() < over:
    for _ in range(50):
        optimizer.zero_grad(); model(torch.randn(8, 4)).square().mean().backward(); optimizer.step()
print(judged(), loaded, sorted({{str(path).rpartition("/")[2] for path in opened}}))
"""
ON = """
from trainadvisor.monitor import judging_thread
watcher.on("error", lambda alert: None)
judge = watcher._judging._judge
"""
LIVE = """
import IPython.display
from trainadvisor import notebook
notebook.EVERY = 0.05
class Handle:
    def update(self, what, **_): pass
views = []
View = notebook._View.__init__
def made(view, *given): views.append(view); View(view, *given)
notebook._View.__init__ = made
IPython.display.display = lambda *_, **__: Handle()
watcher.live()
judge = views[0]._judge
"""


@pytest.mark.parametrize("begin", [ON, LIVE], ids=["on", "live"])
def test_the_first_judgement_loads_nothing_and_opens_the_log_alone(tmp_path: Path, begin: str) -> None:
    """In `run` the same is done before the script starts."""
    if begin is LIVE:
        pytest.importorskip("IPython", reason="pip install -e .[dev]")
    (tmp_path / "train.py").write_text(SCRIPT.format(begin=begin))
    command = [sys.executable, "train.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines()[-1:] == ["True [] ['log.json']"], done.stderr
