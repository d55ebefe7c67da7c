"""Alarms of the script's that ring inside our code on its own thread reach the script; our own mistakes do not."""

from __future__ import annotations

import signal
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from torch import nn
from trialkit import change, trial

from trainadvisor.background import Background
from trainadvisor.changes import preflight_experiments
from trainadvisor.changes.applying.change_application import ChangeApplication
from trainadvisor.instrument import torch_events
from trainadvisor.judge import engine
from trainadvisor.log.disk import Disk
from trainadvisor.monitor.judging_thread import JudgingThread
from trainadvisor.record import environment
from trainadvisor.record.listening import listen
from trainadvisor.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class TimeIsUp(TimeoutError):  # noqa: N818 - named as in a script
    """A time limit, which is an OSError too."""


def ring(*_: object, **__: object) -> Any:
    """Be interrupted by the script's own signal."""
    signal.raise_signal(signal.SIGUSR1)


def mistake(*_: object, **__: object) -> Any:
    """Be wrong."""
    raise ValueError("ours")


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Set a handler of SIGUSR1 that raises."""

    def time_is_up(_number: int, _frame: object) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGUSR1, time_is_up)
    yield
    signal.signal(signal.SIGUSR1, before)


def looking(act: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    """Look a last time, as closing a watcher does."""
    JudgingThread(SimpleNamespace(catch_up=act)).end(final=True)  # type: ignore[arg-type]


def listening(act: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin to listen to torch."""
    monkeypatch.setattr(torch_events, "add", act)
    listen(SimpleNamespace(event=lambda *_: None))  # type: ignore[arg-type]


def judging(act: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge one rule."""
    monkeypatch.setattr(engine, "_judge_branches", act)
    engine.judge_rule(SimpleNamespace(off=(), evidence=()), SimpleNamespace())  # type: ignore[arg-type]


def copying(act: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    """Copy what cannot be copied."""

    class Batch:
        __deepcopy__ = act

    batch = Batch()
    assert preflight_experiments._copied(batch) is batch


def changing(act: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    """Make a call through a change."""
    application = ChangeApplication(SimpleNamespace(report=lambda *_: None), "clip", {})  # type: ignore[arg-type]
    assert application.standing(act, lambda: 5)() == 5


def measuring(act: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask how much memory the process has."""
    monkeypatch.setattr(environment.os, "sysconf", act)
    assert environment.memory_megabytes() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize("place", [looking, listening, judging, copying, changing, measuring])
def test_what_a_handler_raises_passes_and_our_mistakes_do_not(
    place: Callable[[Callable[..., Any], pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever everything is caught on the script's thread."""
    place(mistake, monkeypatch)
    with pytest.raises(TimeIsUp):
        place(ring, monkeypatch)


@pytest.mark.parametrize("after", [False, True])
def test_an_alarm_while_the_script_s_thread_writes_the_log_leaves_it_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, after: bool
) -> None:
    """Where no thread can be had; what was interrupted is written by the next call, once."""
    monkeypatch.setattr(Background, "call", lambda _: False)
    disk = Disk(tmp_path / "log.json", Voice())
    write, rung = disk._write, []

    def interrupted(lines: bytes) -> None:
        if after:
            write(lines)
        if len(rung) < 1:
            rung.append(lines)
            ring()
        if not after:
            write(lines)

    disk.append(b"1")
    monkeypatch.setattr(disk, "_write", interrupted)
    with pytest.raises(TimeIsUp):
        disk.append(b"2")
    disk.append(b"3")
    disk.close()
    assert orjson.loads((tmp_path / "log.json").read_bytes()) == [1, 2, 3]


WIDENED = """
import signal
import torch
from torch import nn

class TimeIsUp(Exception):
    pass

def time_is_up(number, frame):
    raise TimeIsUp

signal.signal(signal.SIGUSR1, time_is_up)
calls, caught = 0, 0

class Ringing(nn.Module):
    def forward(self, x):
        global calls
        calls += 1
        if calls == 2 and x.shape[1] == 12:
            signal.raise_signal(signal.SIGUSR1)
        return x

model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), Ringing(), nn.Linear(6, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    try:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.arange(8) % 2).backward()
        optimizer.step()
    except TimeIsUp:
        caught += 1
"""


def test_an_alarm_while_a_change_rehearses_reaches_the_script(tmp_path: Path) -> None:
    """It is no model that does not run with other widths, and the layers are put back."""
    found = trial(WIDENED, tmp_path, change("capacity", factor=2.0))
    assert found.names["caught"] == 1
    layers = [layer for layer in found.names["model"] if isinstance(layer, nn.Linear)]
    assert [tuple(layer.weight.shape) for layer in layers] == [(6, 4), (2, 6)]
    assert not any("does not run" in (event["refused"] or "") for event in found.changes)
