"""Trainings in two processes (gloo): DistributedDataParallel, averaging by hand and FSDP2, with real faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from processes import together, torchrun

import trainadvisor
from trainadvisor.log.reader import RunLog, read_log

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import contextlib, datetime, json, sys, warnings
import torch, torch.distributed as dist, torch.nn as nn, torch.nn.functional as F
from torch.distributed.fsdp import fully_shard
import trainadvisor

warnings.simplefilter("ignore")
torch.set_num_threads(1)
dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=60))
rank, steps = dist.get_rank(), 14


def whole(tensor):
    return (tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor).detach()


def norm_of(net):
    return float(sum(whole(p.grad).double().square().sum() for p in net.parameters()) ** 0.5)


def train(kind, watched):
    torch.manual_seed(0 if "hand" in kind else rank)
    net = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 4))
    if "fsdp" in kind:
        fully_shard(net[3])
        fully_shard(net)
    model = nn.parallel.DistributedDataParallel(net) if "ddp" in kind else net
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    generator = torch.Generator().manual_seed(100 + rank)
    watching = contextlib.nullcontext()
    if watched:
        watching = trainadvisor.watch(model, optimizer, log=kind + ".json", every=1)
    found = {"losses": [], "norms": [], "weights": []}
    with watching:
        for step in range(steps):
            x = torch.randn(4096 if rank and "uneven" in kind else 16, 64, generator=generator)
            found["weights"].append([float(whole(p).norm()) for p in net.parameters()])
            optimizer.zero_grad()
            loss = F.cross_entropy((net if "unwrapped" in kind else model)(x), x[:, :4].argmax(1))
            loss.backward()
            if "hand" in kind:
                own = net[3].bias.grad.clone()
                found["norms"].append(norm_of(net))
                for parameter in net.parameters():
                    dist.all_reduce(parameter.grad)
                    parameter.grad /= 2
                if "forgotten" in kind and rank and step == 5:
                    net[3].bias.grad = own
            if "fsdp" in kind:
                norm = nn.utils.clip_grad_norm_(net.parameters(), 100.0)
            if "hand" not in kind:
                found["norms"].append(norm_of(net))
            optimizer.step()
            found["losses"].append(loss.item())
    found["end"] = [whole(p).double().sum().item() for p in net.parameters()]
    return found


found = {}
for kind in sys.argv[1:]:
    plain = train(kind, False)
    found[kind] = train(kind, rank == 0 or "alone" not in kind)
    found[kind]["same"] = plain == {key: found[kind][key] for key in plain}
print(json.dumps(found))
dist.destroy_process_group()
"""

SOUND = ["ddp", "ddp-alone", "hand", "fsdp", "fsdp-alone"]
FAULTY = ["ddp-unwrapped", "ddp-uneven", "hand-forgotten"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """Train everything once; return the folder of the logs and what each process found by itself."""
    folder = tmp_path_factory.mktemp("processes")
    outputs = together(folder, SCRIPT, *SOUND, *FAULTY)
    return folder, [orjson.loads(output.splitlines()[-1]) for output in outputs]


Runs = tuple["Path", list[dict[str, Any]]]


def codes(runs: Runs, kind: str) -> list[str]:
    """Return the findings on the first process's log."""
    return [finding.code for finding in trainadvisor.diagnose(runs[0] / f"{kind}.json").findings]


def read(runs: Runs, kind: str, rank: int = 0) -> RunLog:
    """Read a log, the first process's together with the others'."""
    return read_log(runs[0] / (f"{kind}.rank{rank}.json" if rank else f"{kind}.json"))


def near(expected: list[float]) -> object:
    """Return what equals numbers up to the six digits of a log."""
    return pytest.approx(expected, rel=1e-4)


def as_list(column: np.ndarray[Any, Any]) -> list[float]:
    """Return plain numbers."""
    return [float(value) for value in column]


@pytest.mark.parametrize("kind", SOUND + FAULTY)
def test_the_processes_train_as_without_us(runs: Runs, kind: str) -> None:
    """The same bits; also where one process alone is recorded, which would wait for ever in a collective of ours."""
    assert [found[kind]["same"] for found in runs[1]] == [True, True]


@pytest.mark.parametrize("kind", ["ddp", "hand", "fsdp"])
def test_each_process_writes_a_log_of_its_own(runs: Runs, kind: str) -> None:
    """With its rank, its losses, and no failure of ours."""
    for rank in range(2):
        log = read(runs, kind, rank)
        assert (log.header["rank"], log.header["world_size"]) == (rank, 2)
        assert as_list(log.column("loss")) == near(runs[1][rank][kind]["losses"])
        assert [event for event in log.events if event["kind"] == "probe-failed"] == []
        assert [model["name"] for model in log.models] == ["Sequential"]
        assert [layer["kind"] for layer in log.models[0]["layers"]] == ["Linear", "BatchNorm1d", "ReLU", "Linear"]


@pytest.mark.parametrize("kind", ["ddp", "hand", "fsdp"])
def test_the_norms_are_those_of_the_whole_gradients(runs: Runs, kind: str) -> None:
    """As DistributedDataParallel averages them, put together from FSDP2's parts, or before averaging by hand."""
    log = read(runs, kind)
    assert log.processes == 2
    found, norms = runs[1][0][kind], log.column("grad_norm")
    sampled = np.flatnonzero(np.isfinite(norms))
    assert {0, 1, 2, 5, 9, 11} <= set(sampled.tolist())  # whatever the budget, every process samples these
    assert as_list(norms[sampled]) == near([found["norms"][step] for step in sampled])
    steps = log.layers.steps_of("weight").tolist()
    assert {0, 1, 2, 5, 9, 11} <= set(steps)
    rows = [as_list(row) for row in log.layers.column("weight")]
    assert rows == [near(found["weights"][step]) for step in steps]


def test_a_shard_alone_is_not_taken_for_the_whole(runs: Runs) -> None:
    """Where the other process's log is missing, the norms are unknown and that is said."""
    log = read(runs, "fsdp-alone")
    assert (log.processes, len(log.steps)) == (1, 14)
    assert np.isnan(log.column("grad_norm")).all()
    assert log.layers.column("weight").size == 0
    assert [note for note in log.notes if "judged alone" in note]


@pytest.mark.parametrize("kind", SOUND)
def test_equal_copies_are_found_equal(runs: Runs, kind: str) -> None:
    """Or not compared, where there are none; no alarm in any case."""
    assert "replica-divergence" not in codes(runs, kind)


@pytest.mark.parametrize(
    ("kind", "onset", "first"), [("ddp-unwrapped", 0, "0.weight"), ("hand-forgotten", 5, "3.bias")]
)
def test_copies_that_drift_apart_are_found(runs: Runs, kind: str, onset: int, first: str) -> None:
    """A forward that goes around the wrapper, and one gradient that one process did not average."""
    diagnosis = trainadvisor.diagnose(runs[0] / f"{kind}.json")
    finding = next(finding for finding in diagnosis.findings if finding.code == "replica-divergence")
    assert (finding.onset, finding.subjects[0]) == (onset, first)


def test_a_process_with_more_work_is_found(runs: Runs) -> None:
    """The second one has 256 times the examples of the first, which waits for it in every backward."""
    assert "load-imbalance" in codes(runs, "ddp-uneven")


TRAINING = """
import os, sys
import torch, torch.distributed as dist, torch.nn as nn, torch.nn.functional as F
dist.init_process_group("gloo")
torch.set_num_threads(1)
torch.manual_seed(0)
model = nn.parallel.DistributedDataParallel(nn.Linear(8, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(int(sys.argv[1])):
    x = torch.randn(8, 8)
    optimizer.zero_grad()
    F.cross_entropy(model(x), x[:, :4].argmax(1)).backward()
    optimizer.step()
# one write: torchrun leaves output unbuffered, and the parts of a print() of two processes mix
sys.stdout.write(f"{dist.get_rank()} {sys.argv}\\n")
dist.destroy_process_group()
sys.exit(int(sys.argv[2]))
"""


def test_torchrun_starts_us_in_every_process_and_one_verdict_is_printed(tmp_path: Path) -> None:
    """`torchrun -m -- trainadvisor run`: arguments and output are the script's, both logs are judged together."""
    done = torchrun(tmp_path, TRAINING, "trainadvisor", "run", "train.py", "6", "0")
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split("\n")) == ["", "0 ['train.py', '6', '0']", "1 ['train.py', '6', '0']"]
    assert done.stderr.count("full report:") == 1
    folder = next((tmp_path / "trainadvisor-runs").iterdir())
    assert sorted(path.name for path in folder.iterdir()) == ["log.json", "log.rank1.json"]
    log = read_log(folder / "log.json")
    assert (log.processes, log.all_steps_count) == (2, 6)
    assert [e["detail"]["different"] for e in log.events if e["kind"] == "replicas"] == [0] * 6
