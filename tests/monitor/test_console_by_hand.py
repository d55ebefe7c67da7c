"""Who begins, executes and tells of a run: the first process of those that train, and nobody that it has forked."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.monitor import console, ending, watched_script
from trainadvisor.record import run_script

if TYPE_CHECKING:
    from pathlib import Path


class Part:
    """Stands for the run, what watches it and what tells of it; notes what is called."""

    calls: list[Any] = []  # noqa: RUF012 - of all parts, cleared by the fixture
    pid = 0

    def __init__(self, *args: Any, **named: Any) -> None:
        self.args, self.named = args, named

    def execute(self) -> int:
        self.calls.append(("execute", str(self.named["log"].name), self.named["every"], self.named["overhead"]))
        return 3

    def begin(self, **_: Any) -> None:
        self.calls.append("begin")

    def end(self) -> None:
        self.calls.append("end")

    def tell(self, code: int) -> int:
        self.calls.append("tell")
        return code + 1


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Return what is called of a run in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for module, name in ((run_script, "Run"), (watched_script, "WatchedScript"), (ending, "Ending")):
        monkeypatch.setattr(module, name, Part)
    monkeypatch.setattr(console, "_cancelled", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(console.atexit, "register", lambda *_: None)
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "TRAINADVISOR"):
        monkeypatch.delenv(name, raising=False)
    Part.calls.clear()
    return Part.calls


@pytest.mark.parametrize(
    ("rank", "forked", "code", "called"),
    [
        ("0", False, 4, ["begin", ("execute", "log.json", 10, 0.01), "end", "tell"]),
        ("0", True, 3, ["begin", ("execute", "log.json", 10, 0.01)]),
        ("1", False, 3, [("execute", "log.rank1.json", 10, 0.01)]),
        ("1", True, 3, [("execute", "log.rank1.json", 10, 0.01)]),
    ],
)
def test_the_first_process_speaks_for_all(
    rank: str,
    code: int,
    called: list[Any],
    calls: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    forked: bool,
) -> None:
    """A child that the script has forked, and the other processes, only end as the script did."""
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(Part, "pid", 1 if forked else os.getpid())
    found = console.run_script(
        "train.py", [], module=False, log=tmp_path / "log.json", every=None, overhead=None, stop_on=None, stop_after=1,
        lang="en", live=False, report=None,
    )  # fmt: skip
    assert (found, calls) == (code, called)


def test_a_cadence_and_a_share_that_are_given_are_taken(calls: list[Any], tmp_path: Path) -> None:
    """As they are."""
    console.run_script(
        "train.py", [], module=False, log=tmp_path / "log.json", every=3, overhead=0.5, stop_on=None, stop_after=1,
        lang="en", live=False, report=None,
    )  # fmt: skip
    assert calls[1] == ("execute", "log.json", 3, 0.5)
