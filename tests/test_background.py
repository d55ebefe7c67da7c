"""Threads of ours leave before the process forks, and go on afterwards with what they had left."""

from __future__ import annotations

import os
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

import trainadvisor
from trainadvisor import background, hidden_thread
from trainadvisor.background import Background
from trainadvisor.judge.result import Finding
from trainadvisor.monitor.alerts import Alerter
from trainadvisor.monitor.judging_thread import JudgingThread
from trainadvisor.monitor.look_pace import LookPace
from trainadvisor.record.overhead import Overhead
from trainadvisor.record.sampling import Budget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
_beside: list[list[str]] = []


def ours() -> list[str]:
    """Return the names of the threads of ours that are there."""
    return background.names()


def _noted() -> None:
    _beside.append(ours())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=_noted)


def fork() -> list[str]:
    """Fork; return the threads of ours that were there meanwhile."""
    _beside.clear()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return _beside[0]


def until(reached: Callable[[], object]) -> None:
    """Wait for something that another thread does."""
    over = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < over
        time.sleep(0.01)


def finding(code: str, confidence: str = "certain") -> Finding:
    """Return a finding."""
    fields = {"family": "numerics", "kind": "symptom", "title": "t", "severity": "error", "sentence": "s"}
    return Finding.model_validate({"code": code, "confidence": confidence, **fields})


def test_alerts_that_wait_are_sent_after_a_fork() -> None:
    """The thread leaves after the one that it sends; the end sends the rest, each once."""
    sent: list[str] = []
    began = threading.Event()

    def send(alert: Any) -> None:
        began.set()
        time.sleep(0.05)
        sent.append(alert.code)

    alerter = Alerter()
    alerter.to_function("note", send)
    for number in range(5):
        alerter.tell(finding(f"code-{number}"), number)
    assert began.wait(20)
    assert "trainadvisor-alerts" in ours()
    assert fork() == []
    assert len(sent) < 5
    alerter.close(wait=20)
    assert sent == [f"code-{number}" for number in range(5)]


def test_an_alerter_has_no_thread_while_nothing_waits() -> None:
    """And sends again when there is something."""
    sent: list[str] = []
    alerter = Alerter()
    alerter.to_function("note", lambda alert: sent.append(alert.code))
    for code in ("first", "second"):
        alerter.tell(finding(code), 0)
        until(lambda code=code: sent and sent[-1] == code)
        until(lambda: "trainadvisor-alerts" not in ours())
    assert sent == ["first", "second"]


def test_a_forked_child_sends_nothing_and_waits_for_nobody() -> None:
    """Its parent does."""
    got: list[str] = []
    alerter = Alerter()
    alerter.to_function("note", lambda alert: got.append(alert.code))
    child = os.fork()
    if child == 0:
        began = time.monotonic()
        alerter.tell(finding("of-the-child"), 1)
        alerter.close(wait=60)
        os._exit(bool(got) or time.monotonic() - began > 30)
    assert os.waitpid(child, 0)[1] == 0
    alerter.tell(finding("of-the-parent"), 1)
    alerter.close(wait=20)
    assert got == ["of-the-parent"]


def _judge(look: Callable[..., object], pace: float = 0.05) -> Any:
    """A running judge whose looks are due all the time."""

    class Pace:
        @property
        def moment(self) -> float:
            return time.monotonic() + pace

    return SimpleNamespace(pace=Pace(), catch_up=look)


def test_a_judge_goes_on_looking_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next record."""
    looks: list[bool] = []
    judging = JudgingThread(_judge(lambda *, final=False: looks.append(final)))
    monkeypatch.setattr(judging, "_is_due", lambda: True)
    judging.take({"record": "step"})
    until(lambda: looks)
    assert fork() == []
    seen = len(looks)
    judging.take({"record": "step"})
    until(lambda: len(looks) > seen)
    judging.end(final=True)
    assert (looks[-1], ours()) == (True, [])


def test_a_watcher_that_calls_back_forks_without_threads_and_still_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a script that starts workers for its data in every epoch."""
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    looks: list[bool] = []
    monkeypatch.setattr(JudgingThread, "_is_due", lambda _: True)
    monkeypatch.setattr(JudgingThread, "_look", lambda _, final=False: looks.append(final) or time.sleep(0.01))
    monkeypatch.setattr(LookPace.__init__, "__defaults__", (0.05, 0.05))
    watcher = trainadvisor.watch(model, optimizer, log=tmp_path / "log.json")
    watcher.on("error", lambda alert: None)
    for _ in range(3):
        seen = len(looks)
        until(lambda seen=seen: _stepped(model, optimizer) and len(looks) > seen)
        assert fork() == []
    watcher.close()


def _stepped(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> bool:
    optimizer.zero_grad()
    model(torch.ones(3, 4)).square().sum().backward()
    optimizer.step()
    return True


def test_a_view_in_a_notebook_goes_on_after_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And shows the end all the same."""
    display = pytest.importorskip("IPython.display", reason="pip install -e .[dev]")
    shown: list[Any] = []

    class Handle:
        def update(self, what: Any, **_: Any) -> None:
            shown.append(what)

    monkeypatch.setattr(display, "display", lambda *_, **__: Handle())
    monkeypatch.setattr("trainadvisor.notebook.EVERY", 0.02)
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watcher = trainadvisor.watch(model, optimizer, log=tmp_path / "log.json")
    watcher.live()
    assert "trainadvisor-notebook" in ours()
    until(lambda: _stepped(model, optimizer) and shown)
    assert "trainadvisor-notebook" not in fork()
    seen = len(shown)
    until(lambda: _stepped(model, optimizer) and len(shown) > seen)
    watcher.close()
    until(lambda: "trainadvisor-notebook" not in ours())
    assert isinstance(shown[-1], dict)


def test_no_thread_of_ours_is_among_those_that_a_script_can_list(tmp_path: Path) -> None:
    """While one writes and one keeps time; nor is any told to the script's own hooks for threads."""
    here, told = set(threading.enumerate()), []
    threading.setprofile(lambda *_: told.append(threading.get_ident()))
    model = torch.nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 1e-6)
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        until(lambda: _stepped(model, optimizer) and ours())
        listed = set(threading.enumerate()) - here
    threading.setprofile(None)  # type: ignore[arg-type]
    assert (listed, told) == (set(), [])


def test_a_thread_that_runs_functions_of_the_script_is_listed() -> None:
    """By its name, as a daemon."""
    seen: list[threading.Thread] = []
    alerter = Alerter()
    alerter.to_function("note", lambda _: seen.append(threading.current_thread()))
    alerter.tell(finding("first"), 0)
    alerter.close(wait=20)
    assert [(thread.name, thread.daemon) for thread in seen] == [("trainadvisor-alerts", True)]


def test_a_hook_of_the_script_that_asks_for_the_thread_leaves_none_listed() -> None:
    """As `logging` does, where garbage is collected in a thread of ours: once that has ended, it is gone."""
    asked: list[threading.Thread] = []
    thread = hidden_thread.hidden(lambda: asked.append(threading.current_thread()), "trainadvisor-test")
    thread.start()
    thread.join(20)
    assert asked
    assert asked[0] not in threading.enumerate()


@pytest.mark.parametrize("kind", [hidden_thread.hidden, hidden_thread.listed])
def test_a_thread_is_alive_until_it_has_ended(kind: Callable[..., hidden_thread.Thread]) -> None:
    """And can be waited for, for so long or to its end."""
    go = threading.Event()
    thread = kind(go.wait, "trainadvisor-test")
    assert not thread.is_alive()
    thread.start()
    thread.join(0.01)
    assert thread.is_alive()
    go.set()
    thread.join(20)
    assert not thread.is_alive()


def test_what_the_threads_compute_is_counted_while_they_wait_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock of each thread, which begins at nought; a recording's cost holds what they took since it began."""
    clock = iter((2.0, 3.0, 0.5))  # a wait and the end of the first thread, the end of the second
    monkeypatch.setattr(
        background, "clocks", SimpleNamespace(thread_time=lambda: next(clock), monotonic=time.monotonic)
    )
    before = background.seconds()
    waits: list[float] = [0.0]
    thread = Background(lambda: [thread.wait_until(moment) for moment in iter(waits)] and waits.clear(), "ours")
    cost = Overhead(Budget(0.01, 10), lambda _: None)
    for told in (3.0, 3.5):
        assert thread.call()
        until(lambda: thread.seconds == told)  # noqa: B023 - asked at once
        thread.away = True
    assert background.seconds() - before == pytest.approx(3.5)
    cost.started -= 1000.0
    assert 0.0034 < cost.share() < 0.0036
