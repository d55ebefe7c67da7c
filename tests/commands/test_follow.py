"""`trainadvisor follow`: a log shown while it grows, and the verdict at its end."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from gatelogs import write

from trainadvisor.configuration import Config
from trainadvisor.log.writer import LogWriter
from trainadvisor.monitor import follow_log
from trainadvisor.monitor.follow_log import Follower

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def follower(path: Path, *, redraw: bool = False, patience: float = 0.3) -> tuple[Follower, io.StringIO]:
    """Return a follower and what it prints to."""
    stream = io.StringIO()
    return Follower(path, "en", Config(), patience=patience, stream=stream, redraw=redraw), stream


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often."""
    monkeypatch.setattr(follow_log, "PAUSE", 0.01)
    monkeypatch.setattr(follow_log, "APART", 0.02)


def test_a_finished_log_ends_at_once(call: Callable[..., Any], folder: Path) -> None:
    """Its findings as lines, then the verdict."""
    outcome = call("follow", write(folder, "nan"))
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].startswith("error[nan-loss] since step 50: ")
    assert lines[1:4:2] == ["the run ended: finished", lines[3]]
    assert lines[3].startswith("BROKEN: ")


def test_a_run_whose_writer_died_ends_after_a_while(folder: Path) -> None:
    """What it left is judged."""
    path = write(folder, "nan")
    path.write_bytes(path.read_bytes().rpartition(b'{"record": "end"')[0][:-20])
    view, stream = follower(path)
    view.run()
    assert "the log ends without an end record: the run was killed, or writes no more" in stream.getvalue()
    assert "BROKEN: " in stream.getvalue()


def test_a_growing_log_is_followed_to_its_end(folder: Path) -> None:
    """Attached before the log exists."""
    path = folder / "log.json"

    def train() -> None:
        writer = LogWriter(path)
        writer({"record": "header", "format": 1, "source": "recorder"})
        for number in range(60):
            writer({"record": "step", "step": number, "loss": 1.0 / (1 + number), "lr": [0.1], "opt": [0]})
            writer.flush()
            time.sleep(0.002)
        writer({"record": "end", "reason": "finished"})
        writer.close()

    training = threading.Thread(target=train)
    view, stream = follower(path, redraw=True, patience=20)
    training.start()
    view.run()
    training.join()
    text = stream.getvalue()
    assert "60 steps  loss 0.0167  lr 0.1" in text
    assert "the run ended: finished" in text


def test_a_terminal_is_redrawn_in_place(folder: Path) -> None:
    """Each picture goes back over the one before; no line is wider than the terminal."""
    view, stream = follower(write(folder, "waiting"), redraw=True)
    view.run()
    text = stream.getvalue()
    assert "\x1b[4A\r\x1b[J" in text
    picture = text.split("\x1b[J")[1].splitlines()[:4]
    assert picture[0] == "following train.py"
    assert picture[2].startswith("  loss █")
    assert all(len(line) < 100 for line in picture)


def test_a_pipe_gets_no_control_characters(folder: Path) -> None:
    """Lines only."""
    view, stream = follower(write(folder, "waiting"))
    view.run()
    assert "\x1b" not in stream.getvalue()


def test_interrupting_prints_the_verdict(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the view."""
    path = write(folder, "nan")
    path.write_bytes(path.read_bytes().rpartition(b'{"record": "end"')[0])
    view, stream = follower(path, patience=0)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow_log.clocks, "sleep", interrupt)
    view.run()
    assert "BROKEN: " in stream.getvalue()


def test_the_first_run_is_waited_for(call: Callable[..., Any], folder: Path) -> None:
    """Where none has begun it says so, and what begins one."""
    threading.Timer(0.2, lambda: write(folder, "nan").rename(folder / "log.json")).start()
    outcome = call("follow", "--patience", "20")
    assert outcome.err.startswith("no run has begun here yet; waiting for one")
    assert "BROKEN: " in outcome.out


@pytest.mark.usefixtures("folder")
def test_a_run_that_never_begins_is_refused_after_a_while(call: Callable[..., Any]) -> None:
    """With what to do."""
    assert call("follow", "--patience", "1").code == 2


def test_a_log_that_cannot_come_is_refused(call: Callable[..., Any]) -> None:
    """As everywhere."""
    assert call("follow", "none/log.json").code == 2
    assert call("follow", "train.py").code == 2


def test_a_log_of_another_tool_is_followed_until_its_writer_is_silent(folder: Path) -> None:
    """It says how it will end, takes the rows that come, and does not call the silence a death."""
    path = folder / "metrics.csv"
    rows = ["step,train_loss\n", *(f"{step},{2 / (step + 1):.5f}\n" for step in range(60))]
    path.write_text("".join(rows[:20]))

    def train() -> None:
        time.sleep(0.1)
        path.write_text("".join(rows))

    view, stream = follower(path, patience=1.0)
    thread = threading.Thread(target=train)
    thread.start()
    view.run()
    thread.join()
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith(f"following {path} as it grows; it has no end record, so this ends after 1 s")
    assert "no new rows; what there is says:" in lines
    assert lines[-1].endswith("metrics.csv: 59 steps")
