"""A disk that is full, slow, taken away or shared: the log ends in one line, the training goes on and never waits."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.errors import LogError
from trainadvisor.log import disk
from trainadvisor.log.reader import read_log
from trainadvisor.log.writer import LogWriter
from trainadvisor.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HEADER = {"record": "header", "format": 1, "source": "recorder"}
LIMITED = """
import resource, sys
from trainadvisor.log.writer import LogWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
writer = LogWriter("log.json", batch=10)
writer({"record": "header", "format": 1, "source": "recorder"})
for number in range(2000):
    writer({"record": "step", "step": number, "loss": 1.0})
writer.close()
print("trained")
"""


def step(number: int) -> dict[str, Any]:
    """Return a step record."""
    return {"record": "step", "step": number, "loss": 1.0}


def written(path: Path) -> list[Any]:
    """Return the step numbers in a log, which has to be valid JSON."""
    return [record["step"] for record in json.loads(path.read_bytes()) if record["record"] == "step"]


class Told(Voice):
    """Keeps what is told."""

    text = ""

    def write(self, text: str) -> int:
        """Keep a text."""
        self.text += text
        return len(text)


@pytest.fixture
def told() -> Told:
    """Collect what the writer tells."""
    return Told()


@pytest.fixture
def writer(tmp_path: Path, told: Told) -> Iterator[LogWriter]:
    """A writer that has written the header."""
    writer = LogWriter(tmp_path / "runs" / "log.json", voice=told, batch=2)
    writer(HEADER)
    writer.flush()
    yield writer
    writer.close()


class Blocked:
    """A disk that answers no write until it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer, self.asked = threading.Event(), threading.Event()
        write = os.pwrite

        def wait(file: int, data: bytes, place: int) -> int:
            self.asked.set()
            assert self.answer.wait(60)
            return write(file, data, place)

        monkeypatch.setattr(os, "pwrite", wait)


@pytest.fixture
def blocked(writer: LogWriter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Blocked]:
    """The writer's disk blocks."""
    blocked = Blocked(monkeypatch)
    yield blocked
    blocked.answer.set()
    writer._disk.settle()


def test_a_disk_that_blocks_is_not_waited_for(writer: LogWriter, blocked: Blocked) -> None:
    """The training hands its records over and goes on; they are written when the disk answers."""
    for number in range(1000):
        writer(step(number))
    assert blocked.asked.wait(60)
    assert written(writer.path) == []
    blocked.answer.set()
    writer.flush()
    assert written(writer.path) == list(range(1000))


def test_what_waits_for_the_disk_is_bounded(
    writer: LogWriter, blocked: Blocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond that records are lost; how many stands in the log."""
    monkeypatch.setattr(disk, "LARGEST_WAITING", 1000)
    for number in range(1000):
        writer(step(number))
    assert writer._disk._waiting <= 1000
    blocked.answer.set()
    assert writer._disk.settle()
    for number in range(1000, 1004):
        writer(step(number))
    writer.flush()
    kept = written(writer.path)
    assert kept[:4] == [0, 1, 2, 3]
    assert kept[-4:] == [1000, 1001, 1002, 1003]
    assert len(kept) < 100
    log = read_log(writer.path)
    assert log.notes == [f"{1004 - len(kept)} records were lost while recording: the disk was too slow"]


def test_the_end_waits_for_the_disk_only_for_a_while(
    writer: LogWriter, blocked: Blocked, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    """Then it is left behind, with a word."""
    monkeypatch.setattr(disk.Disk.settle, "__defaults__", (0.01,))
    writer(step(0))
    writer(step(1))
    assert blocked.asked.wait(60)
    writer.close()
    assert told.text.count("the disk does not answer; the last lines of the log may be missing") == 1


def test_a_child_forked_while_the_disk_blocks_ends(writer: LogWriter, blocked: Blocked) -> None:
    """It neither waits for what its parent writes nor writes it."""
    for number in range(4):
        writer(step(number))
    assert blocked.asked.wait(60)
    child = os.fork()
    if child == 0:
        writer(step(9))
        writer.close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    blocked.answer.set()
    writer.flush()
    assert written(writer.path) == [0, 1, 2, 3]


@pytest.mark.parametrize("error", [ValueError("sabotage"), MemoryError(), RecursionError(), OSError(5, "sabotage")])
def test_an_exception_in_the_thread_that_writes_ends_the_log(
    writer: LogWriter, monkeypatch: pytest.MonkeyPatch, told: Told, error: Exception
) -> None:
    """It is told once, what was written stays, nothing is raised."""
    writer(step(0))
    writer.flush()

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(writer._disk, "_write", fail)
    for number in range(1, 9):
        writer(step(number))
        writer.flush()
    writer.close()
    assert written(writer.path) == [0]
    assert told.text.count("the log ends here, the training goes on") == 1


def test_without_a_thread_the_log_is_written_all_the_same(writer: LogWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the end of the interpreter, or at the limit of the user's processes."""

    def refuse(_: object) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for number in range(5):
        writer(step(number))
    writer.close()
    assert written(writer.path) == [0, 1, 2, 3, 4]


def _remove(path: Path) -> None:
    shutil.rmtree(path.parent)


def _replace(path: Path) -> None:
    path.with_suffix(".new").write_text("[\n]\n")
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize("disturb", [_remove, _replace])
def test_a_log_that_is_taken_away_ends(writer: LogWriter, told: Told, disturb: Callable[[Path], None]) -> None:
    """Its folder is removed, or another file stands in its place: told once, and nothing is put there again."""
    disturb(writer.path)
    for number in range(9):
        writer(step(number))
        writer.flush()
    writer.close()
    assert told.text.count("the file was removed, or another run writes it now; the log ends here") == 1
    assert not writer.path.parent.exists() or written(writer.path) == []


def test_two_runs_that_write_one_log_do_not_mix(writer: LogWriter, told: Told) -> None:
    """The later one has it, as its user expects; the earlier one is told."""
    later = LogWriter(writer.path)
    later(HEADER)
    for number in range(6):
        writer(step(number))
        later(step(100 + number))
    writer.close()
    later.close()
    assert written(later.path) == [100, 101, 102, 103, 104, 105]
    assert told.text.count("another run writes it now") == 1


def test_a_link_to_a_log_stays_a_link(tmp_path: Path) -> None:
    """What it points to is written."""
    (tmp_path / "real.json").write_text("")
    (tmp_path / "log.json").symlink_to("real.json")
    writer = LogWriter(tmp_path / "log.json")
    writer(step(0))
    writer.close()
    assert (tmp_path / "log.json").is_symlink()
    assert written(tmp_path / "real.json") == [0]


def test_a_record_that_cannot_be_written_is_lost_alone(writer: LogWriter) -> None:
    """And counted."""
    endless: dict[str, Any] = {"record": "event"}
    endless["detail"] = endless
    for record in (step(0), endless, step(1), step(2)):
        writer(record)
    writer.flush()
    assert written(writer.path) == [0, 1, 2]
    assert "1 records were lost" in read_log(writer.path).notes[0]


def test_a_full_disk_is_refused_at_the_start() -> None:
    """In one line, before anything is trained."""
    with pytest.raises(LogError, match=r"cannot write the log \(No space left on device\); choose another path"):
        LogWriter("/dev/full")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    """As above."""
    tmp_path.chmod(0o555)
    with pytest.raises(LogError, match=r"Permission denied\); choose another path"):
        LogWriter(tmp_path / "log.json")


def test_a_file_system_that_takes_no_files_is_refused_at_the_start() -> None:
    """As above; nobody may write there, whoever runs the tests."""
    with pytest.raises(LogError, match="cannot write the log"):
        LogWriter("/proc/self/log.json")


@pytest.mark.parametrize("last", [400, 1 << 16])
def test_a_full_disk_is_marked_after_the_last_line_that_leaves_room(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    """However little of the end of the log is looked at for it."""
    put = disk._put

    def full(number: int, data: bytes, place: int) -> None:
        if place + len(data) > 3_000:
            raise OSError(28, "No space left on device")
        put(number, data, place)

    monkeypatch.setattr(disk, "_put", full)
    monkeypatch.setattr(disk, "_TAIL", last)
    path = tmp_path / "log.json"
    writer = LogWriter(path, voice=told, batch=1)
    writer(HEADER)
    for number in range(100):
        writer(step(number))
        writer.flush()
    writer.close()
    kept = written(path)
    assert kept == list(range(len(kept)))
    assert 2_500 < path.stat().st_size <= 3_000
    assert read_log(path).cut == {"reason": "No space left on device", "steps": 100}


def test_a_disk_that_fills_up_ends_the_log_with_its_whole_lines(tmp_path: Path) -> None:
    """The kernel refuses to let the file grow: the training ends as ever."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "trained\n")
    assert done.stderr == "trainadvisor: log.json: File too large; the log ends here, the training goes on\n"
    kept = written(tmp_path / "log.json")
    assert kept == list(range(len(kept)))
    assert read_log(tmp_path / "log.json").cut == {"reason": "File too large", "steps": 2000}
    assert 15_000 < (tmp_path / "log.json").stat().st_size <= 20_000
