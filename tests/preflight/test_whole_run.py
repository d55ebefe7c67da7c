"""What a run will take, told after its first steps."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from builders import build_log, event
from preflightkit import Given, fly, named

from trainadvisor.log.reader import RunLog, read_log
from trainadvisor.preflight import whole_run
from trainadvisor.preflight.memory_limit import limit_of, machine_limit
from trainadvisor.preflight.whole_run import Plan

SCRIPT = """
import argparse
import torch
from torch import nn

options = argparse.ArgumentParser()
options.add_argument("--epochs", type=int)
wanted = options.parse_args()
data = torch.utils.data.TensorDataset(torch.randn(320, 512), torch.randint(0, 10, (320,)))
loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)
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
        "500 ms a step without recording, 50.0 s an epoch of 100 steps, 10.0 min for all 12 epochs"
    )


def test_a_step_takes_what_it_took_unrecorded(tmp_path: Path) -> None:
    """Whatever the recorded ones took; a broken event is no measurement."""
    columns = {"loss": [1.0] * 40, "seconds": [0.5] * 40}
    for told, seconds in (([0.3, 0.2, 0.25], 0.25), ([], 0.5), ("much", 0.5), ([None, "nan", -1.0], 0.5)):
        events = [event("unrecorded-steps", {"seconds": told})]
        log = read_log(build_log(tmp_path, columns=columns, events=events))
        assert whole_run.step_seconds(log) == seconds


@pytest.mark.parametrize(("micro", "steps"), [(None, 100), (0, 100), (1, 100), (4, 25), (3, 34)])
def test_steps_of_an_epoch(tmp_path: Path, micro: int | None, steps: int) -> None:
    """Its batches, of which a step takes as many as it has backward passes."""
    loaders = [{"id": 0, "role": "train", "batches": 100, "batch_size": 8, "examples": 800}]
    columns = {"loss": [1.0] * 5, **({} if micro is None else {"micro": [micro] * 5})}
    log = read_log(build_log(tmp_path, columns=columns, loaders=loaders))
    assert whole_run.measured(log)["epoch_steps"] == steps


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


def _flown(folder: Path, env: dict[str, str]) -> dict[str, float]:
    """Return what a preflight says of the whole run."""
    command = [sys.executable, "-m", "trainadvisor", "preflight", "--no-experiments", "--budget", "300s"]
    given = ["--format", "json", "train.py", "--epochs", "2"]
    done = subprocess.run([*command, *given], cwd=folder, env=env, capture_output=True, text=True, check=False)
    return next(check["figures"] for check in json.loads(done.stdout)["checks"] if check["name"] == "whole-run")


def _real_peak(folder: Path, env: dict[str, str]) -> float:
    """Return the largest resident memory of the run by itself, in MB."""
    code = (
        "import runpy, sys; sys.argv = ['train.py', '--epochs', '2']; runpy.run_path('train.py'); "
        "print([l for l in open('/proc/self/status') if l.startswith('VmHWM')][0].split()[1])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return int(done.stdout) * 1024 / 1e6


def test_the_memory_of_the_first_steps_is_that_of_the_run(tmp_path: Path) -> None:
    """Within a tenth, as the system counts the run's own resident memory; both scatter, then the middle of three."""
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    told, real = [], []
    for _ in range(3):
        figures = _flown(tmp_path, env)
        told.append(figures["peak_mb"])
        real.append(_real_peak(tmp_path, env))
        if told[0] == pytest.approx(real[0], rel=0.1):
            break
    assert median(told) == pytest.approx(median(real), rel=0.1)
    assert (figures["epoch_steps"], figures["epochs"]) == (10, 2)
    assert figures["parameters_mb"] == pytest.approx(4 * (512 * 2048 + 2048 + 2048 * 2048 + 2048 + 20480 + 10) / 1e6)
    assert figures["optimizer_mb"] == 2 * figures["parameters_mb"]


def loader(size: int) -> list[dict[str, object]]:
    """Return the loader of a training."""
    return [{"id": 0, "role": "train", "batches": 6400 // size, "batch_size": size, "examples": 6400}]


def at(folder: Path, batch: int, peak: float, seconds: float, **more: object) -> RunLog:
    """Return the log of forty steps at a batch size."""
    columns = {"loss": [1.0] * 40, "seconds": seconds, "memory_peak": peak}
    log = build_log(folder, name=f"{batch}.json", columns=columns | dict(more), loaders=loader(batch))
    return read_log(log)


def test_what_another_batch_takes(tmp_path: Path) -> None:
    """A line through two batch sizes: 200 MB and 1 ms are there anyway, and each example takes 2 MB and 0.1 ms."""
    one, other = at(tmp_path, 64, 328.0, 0.0074), at(tmp_path, 32, 264.0, 0.0042)
    figures = whole_run.measured(one, Plan(other, 256, 1000.0))
    names = ("held_mb", "example_mb", "planned_peak_mb", "planned_step_seconds", "planned_epoch_steps", "largest_batch")
    assert [figures[name] for name in names] == pytest.approx([200.0, 2.0, 712.0, 0.0266, 25, 400])
    assert figures["epoch_seconds"] == pytest.approx(25 * 0.0266)


def test_a_batch_that_does_not_fit(tmp_path: Path) -> None:
    """It is an error before the run, with the batch that would fit; the same batch passes where the memory is there."""
    one, other = at(tmp_path, 64, 328.0, 0.0074), at(tmp_path, 32, 264.0, 0.0042)
    too_large = whole_run.check(one, "en", Plan(other, 512, 1000.0))
    assert (too_large.state, too_large.severity) == ("failed", "error")
    assert too_large.sentence.startswith(
        "does not fit: 1,224 MB are needed and 1,000 MB are there; a batch of 400 would fit"
    )
    assert whole_run.check(one, "en", Plan(other, 512, 1224.0)).state == "passed"
    assert whole_run.check(one, "en", Plan(other, None, 1000.0)).state == "passed"


def test_a_run_that_does_not_fit_at_all(tmp_path: Path) -> None:
    """Without a second batch size nothing is said of one that would."""
    check = whole_run.check(at(tmp_path, 64, 328.0, 0.0074), "en", Plan(limit=300.0))
    assert check.state == "failed"
    assert check.sentence.startswith("does not fit: 328 MB are needed and 300 MB are there; at most 328 MB")


def test_a_batch_that_makes_no_difference(tmp_path: Path) -> None:
    """Where both sizes take the same, no largest batch is made up, and less memory at more is noise."""
    for peak in (328.0, 330.0):
        figures = whole_run.measured(at(tmp_path, 64, 328.0, 0.01), Plan(at(tmp_path, 32, peak, 0.01), 128, 1000.0))
        assert (figures["example_mb"], figures["largest_batch"], figures["planned_peak_mb"]) == (0.0, None, 328.0)


def test_steps_in_which_much_is_recorded_are_left_out(tmp_path: Path) -> None:
    """The first twenty and the sampled ones are slower by what is recorded."""
    sampled = [n < 20 or n % 5 == 0 for n in range(40)]
    columns = {
        "loss": [1.0] * 40,
        "seconds": [0.02 if slow else 0.01 for slow in sampled],
        "grad_norm": [1.0 if slow else np.nan for slow in sampled],
    }
    assert whole_run.plain_step(read_log(build_log(tmp_path, columns=columns)), "seconds") == 0.01


def test_what_recording_takes_is_left_out(tmp_path: Path) -> None:
    """By the recorder's own clock, as a share of a plain step; what is no share is not believed."""
    columns = {"loss": [1.0] * 40, "seconds": [0.01] * 40}
    for share, seconds in ((0.25, 0.0075), (0.0, 0.01), (1.5, 0.01), (None, 0.01)):
        event = {"record": "event", "kind": "overhead", "step": 40, "subject": "", "detail": {"scalars": share}}
        log = read_log(build_log(tmp_path, columns=columns, events=[event]))
        assert whole_run.measured(log)["step_seconds"] == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("wait", "slowest", "least", "words"),
    [
        (0.008, "data", 0.008, "loading data is the slowest part (80 %): 8 ms a step at best"),
        (0.003, "compute", 0.007, "computing is the slowest part (70 %): 7 ms a step at best"),
        (0.0001, "compute", 0.0099, ""),
    ],
)
def test_the_slowest_part(tmp_path: Path, wait: float, slowest: str, least: float, words: str) -> None:
    """It bounds what loading beside the model could gain; a small wait is not worth a word."""
    check = whole_run.check(at(tmp_path, 64, 300.0, 0.01, wait=wait), "en")
    assert (check.figures["slowest"], check.figures["least_step_seconds"]) == (slowest, pytest.approx(least))
    assert words in check.sentence
    assert ("slowest" in check.sentence) == bool(words)


GROUPS = {
    "version 2": ("0::/job/step\n", {"sys/fs/cgroup/job/memory.max": "4000000000\n",
                                     "sys/fs/cgroup/job/step/memory.max": "max\n"}),
    "version 1": ("9:cpu:/\n5:memory:/job\n", {"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "4000000000\n"}),
}  # fmt: skip


@pytest.mark.parametrize("version", GROUPS)
def test_the_limit_of_a_control_group(tmp_path: Path, version: str) -> None:
    """Of either version, also where an outer group sets it; without one the machine's memory counts."""
    free = machine_limit(tmp_path)
    assert free is not None
    assert free == pytest.approx(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6)
    own, files = GROUPS[version]
    for name, content in {"proc/self/cgroup": own, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="ascii")
    assert machine_limit(tmp_path) == min(4000.0, free)


def test_the_memory_of_a_gpu(tmp_path: Path) -> None:
    """It is what the recorder saw of the device, not the machine's."""
    seen = {"record": "event", "kind": "device", "step": 0, "subject": "", "detail": {"memory_total": 80000.0}}
    log = read_log(build_log(tmp_path, steps=5, events=[seen], device="cuda"))
    assert limit_of(log) == 80000.0


def test_preflight_asks_at_half_the_batch(tmp_path: Path) -> None:
    """The script runs once more, with the batch size cut by the change, and the planned batch is judged by it."""
    halved = {"kind": "change", "subject": "batch-size", "detail": {"applied": True, "what": "", "arguments": {}}}
    columns = {"loss": [1.0] * 40, "lr": 0.01, "seconds": 0.01}
    parts = {size: {"columns": {**columns, "memory_peak": peak}, "loaders": loader(size)}
             for size, peak in ((64, 328.0), (32, 264.0))}  # fmt: skip
    given = Given(tmp_path, natural=parts[64], half_batch=parts[32] | {"events": [halved]})
    check = named(fly(given, experiments=False, plan_batch=1_000_000), "whole-run")
    assert given.asked == ["half-batch"]
    assert check.state == "failed"
    assert check.figures["planned_peak_mb"] == pytest.approx(2_000_200.0)
    alone = Given(tmp_path, natural=parts[64], half_batch=parts[32] | {"events": [halved]})
    assert named(fly(alone, experiments=False), "whole-run").state == "passed"
    assert alone.asked == []


@pytest.mark.parametrize(("steps", "seconds"), [(28, 0.25), (27, 1.0)])
def test_eight_plain_steps_tell_the_time_of_one(tmp_path: Path, steps: int, seconds: float) -> None:
    """Of fewer the steps before them are taken as well, whose time is longer."""
    columns = {"loss": [1.0] * steps, "seconds": [1.0] * 20 + [0.25] * (steps - 20)}
    assert whole_run.plain_step(read_log(build_log(tmp_path, columns=columns)), "seconds") == seconds
