"""The log on disk is a valid JSON array at every moment, and a failing disk ends the log, not the training."""

from __future__ import annotations

import errno
import json
import math
import mmap
import os
import random
import signal
import struct
import time
from typing import TYPE_CHECKING, Any

import forkedpython
import pytest

from trainadvisor.errors import LogError
from trainadvisor.log.reader import read_log
from trainadvisor.log.stream import Stream
from trainadvisor.log.writer import LogWriter
from trainadvisor.telling import diagnose

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import itertools, os, random, signal, time
import torch, torch.nn as nn, torch.nn.functional as F
from trainadvisor import watch
from trainadvisor.lint.pattern_catalogue import patterns
from trainadvisor.record.probe_discovery import probe_classes
patterns(), probe_classes()  # once, and not in each child
torch.set_num_threads(1)
moments = random.Random(5)


def train(log):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch(model, optimizer, log=log)
    for step in itertools.count():
        x = torch.randn(8, 4)
        optimizer.zero_grad()
        F.cross_entropy(model(x), x[:, :3].argmax(1)).backward()
        optimizer.step()
        if step == 3:
            os.write(ready[1], b"x")


ready = os.pipe()
for index in range(10):
    child = os.fork()
    if child == 0:
        train(f"log{index}.json")
    os.read(ready[0], 1)
    time.sleep(moments.random())
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def _content(path: Path) -> list[Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_file_is_valid_after_every_flush(tmp_path: Path) -> None:
    """Also before the first record; one record a line."""
    path = tmp_path / "deep" / "log.json"
    writer = LogWriter(path)
    assert _content(path) == []
    for count in range(1, 5):
        writer({"record": "step", "step": count})
        writer.flush()
        writer.flush()
        assert [record["step"] for record in _content(path)] == list(range(1, count + 1))
        assert len(path.read_text().splitlines()) == count + 2
    writer.close()
    writer.close()
    writer({"record": "step"})
    writer.flush()
    assert len(_content(path)) == 4


def test_records_wait_for_a_batch_or_a_second(tmp_path: Path) -> None:
    """Only the first is written at once."""
    path = tmp_path / "log.json"
    writer = LogWriter(path, batch=3, seconds=(60, 60))
    for count, on_disk in ((1, 1), (2, 1), (3, 1), (4, 4)):
        writer({"record": "step", "n": count})
        assert writer._disk.settle()
        assert len(_content(path)) == on_disk
    writer = LogWriter(path, batch=100, seconds=(0, 0))
    time.sleep(0.001)
    writer({"n": 1})
    time.sleep(0.001)
    writer({"n": 2})
    assert writer._disk.settle()
    assert len(_content(path)) == 2


def test_what_no_record_follows_is_written_all_the_same(tmp_path: Path) -> None:
    """The next step may take minutes, or the process be killed before it comes."""
    path = tmp_path / "log.json"
    writer = LogWriter(path, seconds=(0.01, 0.01))
    for count in range(1, 5):
        writer({"record": "step", "n": count})
        over = time.monotonic() + 20
        while len(_content(path)) < count:
            assert time.monotonic() < over
            time.sleep(0.01)
    writer.close()


def test_a_header_is_there_before_the_training(tmp_path: Path) -> None:
    """A run that is killed before its first step leaves a log; the header of the recorder replaces it."""
    path = tmp_path / "log.json"
    first, known = {"record": "header", "format": 1, "script": "train.py" * 9}, {"record": "header", "format": 1}
    writer = LogWriter(path, header=first)
    assert _content(path) == [{**first, "provisional": True}]
    writer(known)
    writer.flush()
    assert path.read_text(encoding="utf-8") == '[\n{"record":"header","format":1}\n]\n'
    writer.close()


@pytest.mark.parametrize(("kind", "waiting"), [("step", 1023), ("layers", 63)])
def test_records_of_layers_fill_a_batch_sooner(kind: str, waiting: int, tmp_path: Path) -> None:
    """They are larger, and little is to be lost with the process."""
    path = tmp_path / "log.json"
    writer = LogWriter(path, seconds=(60, 60))
    writer({"record": "step"})
    for more, on_disk in ((waiting, 1), (1, 2 + waiting)):
        for _ in range(more):
            writer({"record": kind})
        assert writer._disk.settle()
        assert len(_content(path)) == on_disk


def test_what_json_cannot_hold_is_made_storable(tmp_path: Path) -> None:
    """Non-finite numbers are words, floats have six digits, other things are texts."""
    path = tmp_path / "log.json"
    writer = LogWriter(path)
    values = [math.nan, math.inf, -math.inf, 1 / 3, 2**70, True, None, ("a", 1), {3: 0.1}, "\udc80x", path.__class__]
    writer({"values": values})
    writer.close()
    assert _content(path)[0]["values"] == [
        "nan", "inf", "-inf", 0.333333, 1.18059e21, True, None, ["a", 1], {"3": 0.1}, "?x", str(path.__class__),
    ]  # fmt: skip


def test_an_older_log_is_replaced(tmp_path: Path) -> None:
    """Nothing of it stays behind."""
    path = tmp_path / "log.json"
    path.write_text('[\n{"record":"header"}' + " " * 10_000)
    LogWriter(path).close()
    assert path.read_text() == "[\n]\n"
    LogWriter(path).close()


@pytest.mark.parametrize("content", ["mine", '{"lr": 0.1}', '[{"epoch": 1}]', "[1, 2]"])
def test_what_is_no_log_is_not_replaced(tmp_path: Path, content: str) -> None:
    """Whoever names it by mistake keeps it."""
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(LogError, match=r"mine\.json: exists and is no trainadvisor log; choose another name$"):
        LogWriter(path)
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("file/log.json", "cannot write the log"), (".", "cannot write the log"), ("log.json.gz", "ends in .json")],
)
def test_a_path_that_cannot_be_written_is_one_line(tmp_path: Path, name: str, complaint: str) -> None:
    """With what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match=complaint) as raised:
        LogWriter(tmp_path / name)
    assert "\n" not in str(raised.value)
    assert "choose" in str(raised.value)


def test_a_full_disk_ends_the_log_with_its_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The incomplete part is cut off, it is reported once, and nothing is raised."""
    path = tmp_path / "log.json"
    writer = LogWriter(path)
    writer({"n": 1})
    writer.flush()
    write, left = os.pwrite, [10]

    def full(file: int, data: bytes, place: int) -> int:
        if len(data) > 3 and not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[: left.pop()] if left and len(data) > 3 else data, place)

    monkeypatch.setattr(os, "pwrite", full)
    for number in range(5):
        writer({"n": number, "text": "y" * 100})
        writer.flush()
    writer.close()
    assert _content(path) == [{"n": 1}]
    assert capsys.readouterr().err.count("No space left on device; the log ends here, the training goes on") == 1


def test_a_forked_child_does_not_write(tmp_path: Path) -> None:
    """Records that waited at the fork are written once."""
    path = tmp_path / "log.json"
    writer = LogWriter(path)
    writer({"n": 1})
    child = os.fork()
    if child == 0:
        writer({"n": 2})
        writer.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    writer({"n": 3})
    writer.close()
    assert [record["n"] for record in _content(path)] == [1, 3]


def test_a_killed_training_leaves_a_log_that_can_be_read(tmp_path: Path) -> None:
    """SIGKILL at ten random moments: each log is read, and diagnosed, to its last whole line."""
    (tmp_path / "train.py").write_text(KILLED)
    assert forkedpython.run(["train.py"], tmp_path).returncode == 0
    for index in range(10):
        log = tmp_path / f"log{index}.json"
        assert read_log(log).models
        assert diagnose(log).state in {"healthy", "cannot-tell", "needs-attention", "broken"}


def _write_until_killed(path: Path, stamps: mmap.mmap, most: int) -> None:
    """Write a record each few milliseconds, and stamp when."""
    writer = LogWriter(path)
    for number in range(most):
        writer({"record": "step", "step": number})
        stamps[8 * number : 8 * number + 8] = struct.pack("d", time.monotonic())
        time.sleep(0.005)


def test_a_killed_process_loses_the_records_of_its_last_second_at_most(tmp_path: Path) -> None:
    """SIGKILL at twenty random moments; by its own stamps, the first lost record is as old as the wait, no older."""
    moments = random.Random(7)  # noqa: S311 - no secrets
    most, wait, patience = 2000, 1.0, 0.75  # patience: the threads of a busy machine get their turn late
    children = []
    for index in range(20):
        stamps = mmap.mmap(-1, 8 * most)
        child = os.fork()
        if child == 0:
            try:
                _write_until_killed(tmp_path / f"{index}.json", stamps, most)
            finally:
                os._exit(1)
        children.append((moments.uniform(0.2, 3.5), child, stamps, tmp_path / f"{index}.json"))
    begun = time.monotonic()
    for moment, child, _, _ in sorted(children, key=lambda entry: entry[0]):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        os.kill(child, signal.SIGKILL)
    for _, child, stamps, path in children:
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        made = [stamp for (stamp,) in struct.iter_unpack("d", stamps[:]) if stamp]
        kept = [record["step"] for batch in Stream(path) for record in batch]
        assert kept == list(range(len(kept)))
        lost = made[len(kept) :]
        assert not lost or lost[-1] - lost[0] <= wait + patience
