"""What goes wrong around a training or in the recorder: the training is bit for bit what it would be without us."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, make_recorder
from torch import nn

import trainadvisor
from trainadvisor import clocks, watch
from trainadvisor.record.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = 8
Outcome = tuple[list[float], list[torch.Tensor]]
OUT_OF_MEMORY = """
import resource, torch, trainadvisor
model = torch.nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
advisor = trainadvisor.watch(model, optimizer, log="log.json")
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, 2 * (pages * resource.getpagesize() + (50 << 20),))
kept = []
while True:
    optimizer.zero_grad()
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    kept.append(torch.ones(len(kept) << 18))
"""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def make() -> tuple[nn.Module, torch.optim.Optimizer]:
    """Return a model with dropout and batch norm, and its optimizer."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
    return model, torch.optim.Adam(model.parameters(), lr=0.01)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, spoil: Callable[[int], object] = id) -> Outcome:
    """Train a few steps; `spoil` is called before each."""
    torch.manual_seed(2)
    losses = []
    for step in range(STEPS):
        spoil(step)
        x = torch.randn(16, 4)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [parameter.detach().clone() for parameter in model.parameters()]


def assert_same(one: Outcome, other: Outcome) -> None:
    """Compare bit by bit, nan equal to nan."""
    assert torch.equal(torch.tensor(one[0]).isnan(), torch.tensor(other[0]).isnan())
    pairs = [(torch.tensor(one[0]), torch.tensor(other[0])), *zip(one[1], other[1], strict=True)]
    assert all(torch.equal(a.nan_to_num(7.5), b.nan_to_num(7.5)) for a, b in pairs)


def records_in(log: Path) -> list[Any]:
    """Return the records of a log that is whole."""
    return orjson.loads(log.read_bytes())


def steps_in(log: Path) -> list[int]:
    """Return the step numbers of a log."""
    return [record["step"] for record in records_in(log) if record["record"] == "step"]


def failures_in(log: Path) -> list[str]:
    """Return what went wrong in the recorder."""
    return [record["detail"]["error"] for record in records_in(log) if record.get("kind") == "probe-failed"]


def test_nan_from_the_first_step(tmp_path: Path) -> None:
    """Weights, losses and gradients are NaN throughout: recorded as words, and named."""

    def broken() -> tuple[nn.Module, torch.optim.Optimizer]:
        model, optimizer = make()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(float("nan"))
        return model, optimizer

    plain = train(*broken())
    model, optimizer = broken()
    log = tmp_path / "log.json"
    with watch(model, optimizer, log=log):
        assert_same(train(model, optimizer), plain)
    assert failures_in(log) == []
    assert [record["loss"] for record in records_in(log) if record["record"] == "step"] == ["nan"] * STEPS
    assert trainadvisor.diagnose(log).state == "broken"


CLOCKS = {
    "back": lambda now, calls: now - 10.0 * calls,
    "still": lambda now, calls: 5.0,
    "ahead": lambda now, calls: now + 1e9 * calls,
}


@pytest.mark.parametrize("jump", CLOCKS)
def test_a_clock_that_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: str) -> None:
    """Backwards, not at all, or by years at every look: each step is recorded once, and the log can be judged."""
    plain, model, log = train(*make()), make(), tmp_path / "log.json"
    calls = [0]

    def jumping(clock: Callable[[], float]) -> Callable[[], float]:
        def look() -> float:
            calls[0] += 1
            return CLOCKS[jump](clock(), calls[0])

        return look

    for name in ("perf_counter", "monotonic"):
        monkeypatch.setattr(clocks, name, jumping(getattr(clocks, name)))
    with watch(*model, log=log):
        assert_same(train(*model), plain)
    assert steps_in(log) == list(range(STEPS))
    assert failures_in(log) == []
    assert trainadvisor.diagnose(log).state == "cannot-tell"
    assert calls[0] > STEPS


def test_two_recorders_on_one_model(tmp_path: Path) -> None:
    """As when a script that watches itself is run by `trainadvisor run`: both logs are whole."""
    plain, model, records = train(*make()), make(), Records()
    recorder = make_recorder(records)
    recorder.start()
    with watch(*model, log=tmp_path / "log.json"):
        assert_same(train(*model), plain)
    recorder.stop("finished")
    assert steps_in(tmp_path / "log.json") == records.column("step") == list(range(STEPS))
    assert failures_in(tmp_path / "log.json") == records.failures == []


def test_two_models_that_write_one_log(tmp_path: Path) -> None:
    """The later has it; both are trained as without."""
    log = tmp_path / "log.json"
    plain, one, other = train(*make()), make(), make()
    with watch(*one, log=log):
        half = train(*one)
        with watch(*other, log=log):
            assert_same(train(*other), plain)
        assert_same(half, plain)
    assert steps_in(log) == list(range(STEPS))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory"), KeyError("batch")])
def test_a_training_that_raises(tmp_path: Path, error: Exception) -> None:
    """The exception is the user's own object; the log is whole and says how it ended."""
    log, model = tmp_path / "log.json", make()

    def fail(step: int) -> None:
        if step == 5:
            raise error

    with pytest.raises(type(error)) as caught, watch(*model, log=log):
        train(*model, fail)
    assert caught.value is error
    assert steps_in(log) == [0, 1, 2, 3, 4]
    end, exception = records_in(log)[-1], next(r for r in records_in(log) if r.get("kind") == "exception")
    assert (end["reason"], exception["detail"]["type"]) == ("exception", type(error).__name__)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), RuntimeError("CUDA out of memory")])
def test_no_memory_for_a_probe(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The probe is told of once; what the others measure is there."""
    plain, model, records = train(*make()), make(), Records()
    recorder = make_recorder(records)
    name = next(name for name in recorder.handlers.named if name.startswith("Gradient") and name.endswith("on_close"))
    handler = recorder.handlers.named[name]

    def fail(*_: object) -> None:
        raise error

    for table in (recorder.handlers._all, recorder.handlers._light):
        table["close"] = [(key, fail if function == handler else function) for key, function in table["close"]]
    recorder.start()
    assert_same(train(*model), plain)
    recorder.stop("finished")
    assert [failure["probe"] for failure in records.failures] == [name]
    assert records.column("loss") == pytest.approx(plain[0], rel=1e-5)


def test_a_child_that_trains_on(tmp_path: Path) -> None:
    """A fork amid the training: the child is not recorded, and the parent's log holds the parent's steps."""
    plain, model, log = train(*make()), make(), tmp_path / "log.json"

    def fork(step: int) -> None:
        if step == 3:
            child = os.fork()
            if child == 0:
                try:
                    model[0](torch.ones(2, 4)).sum().backward()
                    model[1].step()
                    os._exit(7)
                finally:
                    os._exit(8)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7

    with watch(*model, log=log):
        assert_same(train(*model, fork), plain)
    assert steps_in(log) == list(range(STEPS))


def test_a_process_without_memory_leaves_a_whole_log(tmp_path: Path) -> None:
    """The kernel refuses the training more: it ends with its own error, the log with the step before."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1
    assert "alloc" in done.stderr or "MemoryError" in done.stderr
    assert "trainadvisor" not in done.stderr
    records = records_in(tmp_path / "log.json")
    assert (records[-1]["record"], records[-1]["reason"]) == ("end", "exception")
    steps = steps_in(tmp_path / "log.json")
    assert steps == list(range(len(steps)))
    assert len(steps) > 3


def test_a_recorder_that_cannot_begin_is_told_before_the_training() -> None:
    """A log that cannot be written is refused when watching begins, and nothing stays behind."""
    before = nn.Module.__call__
    with pytest.raises(trainadvisor.errors.LogError):
        watch(*make(), log="/proc/self/log.json")
    assert nn.Module.__call__ is before
    assert isinstance(Recorder([], discover=True), Recorder)
