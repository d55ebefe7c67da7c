"""A fleet on a Ray cluster of two nodes: the same table, whoever dies and whatever lies among the logs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ray = pytest.importorskip("ray", reason="ray cannot be installed")

from builders import build_log  # noqa: E402 - only where ray is there
from ray import cloudpickle  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

from trainadvisor.trials.engines.calls import Answer, Call  # noqa: E402
from trainadvisor.trials.engines.ray_tasks import RayTasks  # noqa: E402

RUNS = 40


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A cluster of two nodes with a core each; its address."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        made.add_node(num_cpus=1)
        yield made.address
    finally:
        made.shutdown()


@pytest.fixture
def tasks(cluster: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RayTasks]:
    """Calls on that cluster, with the functions of this file sent along."""
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    made = RayTasks(limit=20.0)
    yield made
    made.close()
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def fleet(folder: Path, engine: str, address: str) -> dict[str, object]:
    """Run the command and return its document."""
    told = folder.parent / f"{engine}.json"
    words = ["fleet", str(folder), "--engine", engine, "--jobs", "2", "--no-cache", "--format", f"json={told}"]
    env = {**os.environ, "RAY_ADDRESS": address, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "trainadvisor", *words], env=env, check=True, capture_output=True)
    return json.loads(told.read_text(encoding="utf-8"))


def test_both_engines_tell_the_same(tmp_path: Path, cluster: str) -> None:
    """Every row and every remark, with logs among them that are none."""
    for number in range(RUNS):
        rate = 0.001 * 1.3**number
        loss = [2.0 - step / 100 if rate < 1 else 2.0 * 1.1**step for step in range(100)]
        folder = tmp_path / "runs" / f"{number:03d}"
        folder.mkdir(parents=True)
        build_log(folder, columns={"loss": loss, "lr": rate}, script="train.py", argv=["--lr", str(rate)])
    hostile = {"torn": b"[{", "binary": bytes(range(256)), "deep": b"[" * 100_000, "empty": b""}
    for name, content in hostile.items():
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "log.json").write_bytes(content)
    local, there = (fleet(tmp_path / "runs", engine, cluster) for engine in ("local", "ray"))
    assert local == there
    assert len(there["runs"]) == RUNS + len(hostile)
    assert there["states"]["unreadable"] == len(hostile)
    assert there["sweeps"][0]["differences"][0]["setting"] == "lr"


def where(seconds: float) -> str:
    """Return the node that this runs on, after a while."""
    time.sleep(seconds)
    return ray.get_runtime_context().get_node_id()


def test_both_nodes_are_used(tasks: RayTasks) -> None:
    """Calls that take a while are spread over the cluster."""
    assert tasks.slots == 2
    answers = list(tasks.run(where, [Call(n, (1.0,)) for n in range(6)]))
    assert len({answer.value for answer in answers}) == 2


def once(number: int, folder: str) -> int:
    """Return the double; at 3 kill the own process the first time, at 5 each time, and raise at 7."""
    mark = Path(folder) / str(number)
    if number == 5 or (number == 3 and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 7:
        message = "seven"
        raise ValueError(message)
    return 2 * number


def test_a_killed_worker_is_survived(tasks: RayTasks, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its call is made again; one that kills every worker is given up, and all others have their answers."""
    answers = {a.key: a for a in tasks.run(once, [Call(n, (n, str(tmp_path))) for n in range(10)])}
    assert {n: a.value for n, a in answers.items() if not a.lost} == {n: 2 * n for n in range(10) if n not in (5, 7)}
    assert (tmp_path / "3").exists()
    assert answers[5].lost == "the process that read it was killed"
    assert answers[7].lost == "ValueError: seven"
    time.sleep(2.0)  # the cluster tells of the dead workers in a thread of its own
    assert capsys.readouterr().out == ""


def test_a_call_that_never_ends_is_given_up(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others do not wait for it."""
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    tasks = RayTasks(limit=5.0)
    try:
        answers = {a.key: a for a in tasks.run(where, [Call(n, (600.0 if n == 1 else 0.1,)) for n in range(4)])}
    finally:
        tasks.close()
    assert answers[1] == Answer(1, lost="the process that read it took too long")
    assert all(answers[n].value for n in (0, 2, 3))


def test_what_waits_for_a_cluster_without_machines_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only machine that computes goes away; no call is waited for any longer, whether it was handed over or not."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        node = made.add_node(num_cpus=1)
        monkeypatch.setenv("RAY_ADDRESS", made.address)
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        tasks = RayTasks(grace=3.0)
        answers = tasks.run(where, [Call(n, (0.1 if n == 0 else 600.0,)) for n in range(6)])
        assert next(answers).value
        made.remove_node(node)
        assert {a.key: a.lost for a in answers} == dict.fromkeys(range(1, 6), "the cluster has no machine left")
        tasks.close()
    finally:
        made.shutdown()
