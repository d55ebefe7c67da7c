"""What is told once the script of `trainadvisor run` is over, by what it did; the exit code stays the script's."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from gatelogs import write

from trainadvisor.configuration import Config
from trainadvisor.monitor import console
from trainadvisor.monitor.ending import Ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.judge.result import Finding
    from trainadvisor.monitor.last_word import LastWord


@dataclass
class Said:
    """Stands in for standard error and for the alerter."""

    lines: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    last: LastWord | None = None
    encoding: str = "utf-8"

    def line(self, text: str) -> None:
        self.lines.append(text)

    def write(self, text: str) -> int:
        self.lines += text.splitlines()
        return len(text)

    def flush(self) -> None:
        """Do nothing."""

    def isatty(self) -> bool:
        return False

    def finish(self, findings: Sequence[Finding], last: LastWord) -> None:
        self.codes, self.last = [finding.code for finding in findings], last


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a script begins."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ended(log: Path, said: Said, **given: Any) -> Ending:
    """Return the end of a run of `train.py` that recorded into a log; `given` is what is unlike the usual."""
    steps, crashed, stopped = (
        given.pop(name, usual) for name, usual in (("steps", 200), ("crashed", 0), ("stopped", 0))
    )
    run = SimpleNamespace(
        log=log, stopped=bool(stopped), steps=steps, crashed=bool(crashed),
        target="train.py", voice=said,
    )  # fmt: skip
    usual = {"keep": True, "report": None, "lang": "en", "settings": Config(), "alerter": said, "processes": 1}
    ending: Any = Ending
    return ending(run=run, log=log, gate=given.pop("gate", lambda _: 0), **{**usual, **given})


def test_a_run_that_recorded_nothing_has_no_report(folder: Path) -> None:
    """The last word says why, with the exit code, and names the log that was asked for."""
    said = Said()
    ending = ended(folder / "log.json", said, steps=0, report=folder / "page.html")
    assert ending.tell(0) == 0
    assert said.lines == [
        (
            "trainadvisor: no torch training ran in train.py: nothing was recorded; "
            "if it trains in another process, call trainadvisor.watch(model, optimizer) there"
        )
    ]
    assert said.last is not None
    assert f"trainadvisor: {said.last.summary}" == said.lines[0]
    assert (said.last.state, said.last.log, said.last.report) == ("cannot-tell", str(folder / "log.json"), "")


def test_a_script_that_ends_before_it_trains_is_told_with_its_code(folder: Path) -> None:
    """And the code stays."""
    said = Said()
    assert ended(folder / "log.json", said, steps=0).tell(3) == 3
    assert said.lines == ["trainadvisor: train.py ended with exit code 3 before it trained: nothing was recorded"]
    assert said.last is not None
    assert said.last.code == 3


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("beside", [True, False])
def test_a_log_of_nothing_stays_only_where_it_was_asked_for(folder: Path, keep: bool, beside: bool) -> None:  # noqa: FBT001 - tables
    """Its folder goes with it, unless something else is in it."""
    log = folder / "runs" / "log.json"
    log.parent.mkdir()
    log.write_text("[]")
    if beside:
        (log.parent / "mine.txt").touch()
    ended(log, Said(), steps=0, keep=keep).tell(0)
    assert (log.exists(), log.parent.exists()) == (keep, keep or beside)


def test_the_verdict_comes_with_the_report(folder: Path) -> None:
    """Both are named in the last word, with what was found."""
    said, report = Said(), folder / "page.html"
    assert ended(write(folder, "nan"), said, report=report).tell(0) == 0
    assert report.exists()
    assert said.lines[-1] == f"trainadvisor: wrote the report {report}"
    assert said.last is not None
    assert (said.last.state, said.last.report, said.codes[0]) == ("broken", str(report), "nan-loss")


def test_a_crash_before_the_first_step_is_judged(folder: Path) -> None:
    """It is what the user wants to know about."""
    said = Said()
    ended(write(folder, "nan"), said, steps=0, crashed=True).tell(1)
    assert said.last is not None
    assert said.last.state == "broken"


@pytest.mark.parametrize(
    ("code", "stopped", "gate", "told"),
    [(0, False, 0, 0), (0, False, 1, 1), (5, False, 1, 5), (5, True, 0, 1), (0, True, 0, 1)],
)
def test_the_exit_code(folder: Path, code: int, stopped: bool, gate: int, told: int) -> None:  # noqa: FBT001 - a table
    """The script's own comes before that of the gate; 1 where we have stopped it."""
    assert ended(write(folder, "nan"), Said(), stopped=stopped, gate=lambda _: gate).tell(code) == told


def test_a_log_that_cannot_be_read_changes_nothing_for_the_script(folder: Path) -> None:
    """One line says what is wrong."""
    said, log = Said(), folder / "log.json"
    log.write_text("{")
    assert ended(log, said).tell(4) == 4
    assert [line for line in said.lines if line.startswith(f"trainadvisor: {log}: ")] == said.lines[-1:]


def test_a_handler_of_the_script_may_end_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its exit code is the one that counts."""

    def leave(*_: object) -> None:
        raise SystemExit(9)

    ending = ended(write(folder, "nan"), Said())
    monkeypatch.setattr(Ending, "_verdict", leave)
    with pytest.raises(SystemExit) as caught:
        ending.tell(0)
    assert caught.value.code == 9


def test_places_are_found_from_the_folder_in_which_the_script_began(folder: Path) -> None:
    """A script may change its folder; in the first one a path is told as it was named."""
    said = Said()
    ending = ended(Path("log.json"), said)
    assert ending._place(Path("page.html")) == Path("page.html")
    (folder / "elsewhere").mkdir()
    os.chdir(folder / "elsewhere")
    assert ending._place(Path("page.html")) == folder / "page.html"


@pytest.mark.parametrize(("stopped", "killed"), [(False, [signal.SIGINT]), (True, [])])
def test_only_an_interrupt_of_the_users_ends_by_its_signal(
    monkeypatch: pytest.MonkeyPatch, *, stopped: bool, killed: list[int]
) -> None:
    """One with which `--stop-on` stopped the script ends with the exit code of that."""
    sent: list[int] = []
    monkeypatch.setattr(console.os, "kill", lambda _, number: sent.append(number))
    monkeypatch.setattr(console.signal, "signal", lambda *_: None)
    console._end_as_interrupted(SimpleNamespace(error=KeyboardInterrupt(), stopped=stopped, pid=os.getpid()))
    assert sent == killed
