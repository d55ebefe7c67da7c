"""A fleet that is followed: running logs, only what changed is read, and what Prometheus gets."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import build_log
from fleetkit import Here

from trainadvisor.errors import UsageError
from trainadvisor.fleet.cache import Cache
from trainadvisor.fleet.entry import Entry
from trainadvisor.fleet.exporter import Exporter
from trainadvisor.fleet.fleet_result import collected
from trainadvisor.fleet.regressions import regressions
from trainadvisor.fleet.watch import Watch

PROMETHEUS = shutil.which("prometheus")


def write(folder: Path, steps: int = 100, *, ended: bool = True, age: float = 0.0) -> Path:
    """Write a log, one of a running training without its end, last written some seconds ago."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = {"loss": 2.0 - np.arange(steps) / 200, "lr": 0.01, "seconds": 36.0}
    path = build_log(folder, columns=columns, script="train.py", end={} if ended else None)
    if not ended:
        path.write_text("".join(
            line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if '"end"' not in line
        ).rstrip("]\n, ") + ",\n", encoding="utf-8")  # fmt: skip
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def looking(folder: Path, cache: Cache | None = None) -> Watch:
    """Return a watch of a folder that judges in this process."""
    return Watch([str(folder)], Here(), cache or Cache(None, ""))


def told(fleet: Any) -> dict[str, tuple[bool, int, str]]:
    """Return by folder whether a run still runs, its steps, and what speaks against its health."""
    return {Path(e.address).parent.name: (e.running, e.steps, e.doubt) for e in fleet.runs}


def test_running_logs(tmp_path: Path) -> None:
    """One that is being written runs; the same left alone was killed, and one with an end has ended."""
    write(tmp_path / "done")
    write(tmp_path / "on", ended=False)
    write(tmp_path / "killed", ended=False, age=3600)
    found = told(looking(tmp_path).look())
    assert {name: running for name, (running, _, _) in found.items()} == {"done": False, "on": True, "killed": False}
    assert (found["killed"][2], found["on"][2] == "unended") == ("unended", False)


def test_only_what_changed_is_read(tmp_path: Path) -> None:
    """Longer logs, new ones, and running ones whose time is over; what was removed is left out."""
    write(tmp_path / "a")
    write(tmp_path / "b", ended=False)
    watch = looking(tmp_path)
    assert (len(watch.look().runs), watch.judged) == (2, 2)
    assert (len(watch.look().runs), watch.judged) == (2, 0)
    write(tmp_path / "b", 150, ended=False, age=1)
    assert (told(watch.look())["b"][1], watch.judged) == (150, 1)
    os.utime(tmp_path / "b" / "log.json", (1e9, 1e9))
    assert (told(watch.look())["b"][0], watch.judged) == (False, 1)
    shutil.rmtree(tmp_path / "a")
    write(tmp_path / "c")
    assert set(told(watch.look())) == {"b", "c"}


def test_a_running_log_is_not_kept(tmp_path: Path) -> None:
    """Its content says the same when it has been killed, which is another judgement."""
    log = write(tmp_path / "runs" / "a", ended=False)
    cache = Cache(tmp_path / "kept.sqlite", "1")
    assert told(looking(tmp_path / "runs", cache).look())["a"][0]
    os.utime(log, (1e9, 1e9))
    assert told(looking(tmp_path / "runs", cache).look())["a"][2] == "unended"


def fleet() -> Any:
    """Return a fleet of three runs."""
    return collected(
        [
            Entry("a/log.json", state="broken", cause="nan-loss", script="train.py", seconds=7200.0, devices=4),
            Entry("b/log.json", state="healthy", script='t"\n.py', steps=9, metric="val_loss_best", value=0.5),
            Entry("c/log.json", state="cannot-tell", script="train.py", running=True),
        ]
    )  # fmt: skip


def scraped(port: int) -> dict[str, float]:
    """Return what is served, by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode("utf-8")
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_what_is_served() -> None:
    """States, causes with their hours, and each run; nothing before the first look."""
    pytest.importorskip("prometheus_client")
    exporter = Exporter(0)
    try:
        assert scraped(exporter.port) == {}
        exporter.take(fleet())
        served = scraped(exporter.port)
    finally:
        exporter.close()
    assert served['trainadvisor_runs{state="broken"}'] == served["trainadvisor_runs_running"] == 1.0
    assert served['trainadvisor_runs{state="unreadable"}'] == 0.0
    assert served['trainadvisor_cause_device_hours{code="nan-loss"}'] == 8.0
    broken = 'trainadvisor_run_state{cause="nan-loss",run="a/log.json",script="train.py",state="broken"}'
    assert served[broken] == 1.0
    assert served['trainadvisor_run_metric{metric="val_loss_best",run="b/log.json",script="t\\"\\n.py"}'] == 0.5
    with pytest.raises(OSError, match="refused"):
        scraped(exporter.port)


def test_a_port_that_is_taken() -> None:
    """It is a mistake in the command."""
    pytest.importorskip("prometheus_client")
    exporter = Exporter(0)
    try:
        with pytest.raises(UsageError, match="choose another"):
            Exporter(exporter.port)
    finally:
        exporter.close()


def waited(ask: Any, seconds: float = 60.0) -> Any:
    """Return the first answer that is not empty."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if answer := ask():
                return answer
        except (OSError, KeyError):
            pass
        time.sleep(0.2)
    message = "nothing came"
    raise AssertionError(message)


@pytest.mark.skipif(PROMETHEUS is None, reason="Debian's prometheus is not installed")
def test_prometheus_itself(tmp_path: Path) -> None:
    """The real server scrapes the exporter and answers a query of a dashboard."""
    pytest.importorskip("prometheus_client")
    exporter, free = Exporter(0), Exporter(0)
    free.close()
    exporter.take(fleet())
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "scrape_configs:\n  - job_name: fleet\n    scrape_interval: 1s\n    static_configs:\n"
        f"      - targets: ['127.0.0.1:{exporter.port}']\n", encoding="utf-8"
    )  # fmt: skip
    words = [
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path}",
        f"--web.listen-address=127.0.0.1:{free.port}",
    ]
    server = subprocess.Popen([str(PROMETHEUS), *words], stderr=subprocess.DEVNULL)
    query = f"http://127.0.0.1:{free.port}/api/v1/query?query=sum(trainadvisor_runs)"

    def asked() -> Any:
        with urllib.request.urlopen(query, timeout=5) as answer:
            return json.load(answer)["data"]["result"]

    try:
        assert waited(asked)[0]["value"][1] == "3"
    finally:
        server.terminate()
        server.wait(20)
        exporter.close()


def test_the_command_follows_until_it_is_interrupted(tmp_path: Path) -> None:
    """It serves and prints what it sees, prints again where that changed, and ends with 0."""
    pytest.importorskip("prometheus_client")
    write(tmp_path / "a")
    words = ["fleet", str(tmp_path), "--no-cache", "--jobs", "1", "--every", "1", "--metrics-port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "trainadvisor", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        port = int(process.stderr.readline().rpartition(":")[2].split("/")[0])
        assert waited(lambda: scraped(port))['trainadvisor_run_steps{run="%s",script="train.py"}' % (
            tmp_path / "a" / "log.json")] == 100.0  # fmt: skip
        write(tmp_path / "b", ended=False)
        assert waited(lambda: scraped(port)["trainadvisor_runs_running"]) == 1.0
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert out.startswith("1 run: ")
    assert "2 runs: " in out
    assert "1 still running" in out


def dated(day: int, **facts: Any) -> Entry:
    """Return a run of a day of November."""
    return Entry(
        f"run{day}", script="train.py", created=f"2026-11-{day:02d}T00:00:00+00:00", **{"state": "healthy", **facts}
    )


def test_what_got_worse_last_week() -> None:
    """A metric and the share of bad runs, against the runs before; the same the other way round is no regression."""
    old = [dated(n, metric="val_loss_best", value=0.5 + n / 100) for n in range(1, 11)]
    new = [dated(n, metric="val_loss_best", value=0.9 + n / 100, state="broken") for n in range(20, 26)]
    found = {item.what: item for item in regressions([*old, *new])}
    assert set(found) == {"bad runs", "val_loss_best"}
    assert (found["bad runs"].before, found["bad runs"].lately) == (0.0, 1.0)
    worse = found["val_loss_best"]
    assert (worse.before, worse.lately, worse.runs_before, worse.runs_lately) == (
        pytest.approx(0.555), pytest.approx(1.125), 10, 6,
    )  # fmt: skip
    better = [dated(n, metric="val_loss_best", value=0.1) for n in range(20, 26)]
    assert regressions([*old, *better]) == []
    assert regressions([*old, *new], days=25) == []


def test_accuracy_gets_worse_by_falling() -> None:
    """More is better of it, and less of a loss."""
    old = [dated(n, metric="val_accuracy_best", value=0.9 + n / 1000) for n in range(1, 11)]
    for level, worse in ((0.5, ["val_accuracy_best"]), (0.99, [])):
        new = [dated(n, metric="val_accuracy_best", value=level) for n in range(20, 26)]
        assert [item.what for item in regressions([*old, *new])] == worse


def test_runs_without_a_date_are_no_regression() -> None:
    """Nor are two runs, nor those that have not ended."""
    old = [dated(n, metric="val_loss_best", value=0.5) for n in range(1, 11)]
    for change in ({"created": ""}, {"created": "soon"}, {"running": True}):
        new = [dated(n, metric="val_loss_best", value=0.9, state="broken") for n in range(20, 26)]
        for entry in new:
            for name, value in change.items():
                setattr(entry, name, value)
        assert regressions([*old, *new]) == []
    assert regressions([*old, *(dated(n, state="broken") for n in (20, 21))]) == []
