"""What a run will take, told after its first steps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builders import build_log

from trainadvisor.log.reader import read_log
from trainadvisor.preflight import whole_run

SCRIPT = """
import argparse
import torch
from torch import nn

options = argparse.ArgumentParser()
options.add_argument("--epochs", type=int)
wanted = options.parse_args()
data = torch.utils.data.TensorDataset(torch.randn(2560, 512), torch.randint(0, 10, (2560,)))
loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(512, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 10))
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(wanted.epochs):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
"""


def test_figures_of_a_log(tmp_path: Path) -> None:
    """The largest memory, its parts, and steps, epochs and seconds multiplied."""
    columns = {"loss": [1.0] * 40, "seconds": [5.0] * 3 + [0.5] * 37, "memory_peak": [np.nan] * 20 + [300.0] * 20}
    loaders = [{"id": 0, "role": "train", "batches": 100, "batch_size": 8, "examples": 800}]
    log = read_log(build_log(tmp_path, columns=columns, loaders=loaders, argv=["--epochs=12"]))
    figures = whole_run.measured(log)
    names = ("peak_mb", "step_seconds", "epoch_steps", "epochs", "epoch_seconds", "run_seconds")
    assert [figures[name] for name in names] == [300.0, 0.5, 100, 12, 50.0, 600.0]
    assert whole_run.check(log, "en").sentence.endswith(
        "500 ms a step, 50.0 s an epoch of 100 steps, 10.0 min for all 12 epochs"
    )


@pytest.mark.parametrize(
    ("argv", "epochs"),
    [
        (["--epochs", "3"], 3),
        (["--num_epochs=7"], 7),
        (["--max-epochs", "20"], 20),
        (["--epochs"], None),
        (["3"], None),
    ],
)
def test_epochs_of_a_command_line(tmp_path: Path, argv: list[str], epochs: int | None) -> None:
    """Under their usual names; nothing is guessed."""
    assert whole_run.measured(read_log(build_log(tmp_path, argv=argv, steps=5)))["epochs"] == epochs


def test_nothing_measured(tmp_path: Path) -> None:
    """It is said, and fails nothing."""
    assert whole_run.check(read_log(build_log(tmp_path, steps=5)), "en").state == "not-judged"


def test_the_memory_of_the_first_steps_is_that_of_the_run(tmp_path: Path) -> None:
    """Within a tenth, as the system counts the run's own resident memory."""
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    watch = [sys.executable, "-m", "trainadvisor"]
    flown = subprocess.run([*watch, "preflight", "--no-experiments", "--format", "json", "train.py", "--epochs", "2"],
                           cwd=tmp_path, env=env, capture_output=True, text=True, check=False)  # fmt: skip
    figures = next(c["figures"] for c in json.loads(flown.stdout)["checks"] if c["name"] == "whole-run")
    code = (
        "import runpy, sys; sys.argv = ['train.py', '--epochs', '2']; runpy.run_path('train.py'); "
        "print([l for l in open('/proc/self/status') if l.startswith('VmHWM')][0].split()[1])"
    )
    real = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    peak = int(real.stdout) * 1024 / 1e6
    assert figures["peak_mb"] == pytest.approx(peak, rel=0.1)
    assert (figures["epoch_steps"], figures["epochs"]) == (40, 2)
    assert figures["parameters_mb"] == pytest.approx(4 * (512 * 2048 + 2048 + 2048 * 2048 + 2048 + 20480 + 10) / 1e6)
    assert figures["optimizer_mb"] == 2 * figures["parameters_mb"]
