"""What is written while a script trains and while a log is followed, played in this process with a clock of our own."""

# ruff: noqa: FBT001 - cases of a table are truths

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log, make_loss, make_model, make_optimizer
from goldenfiles import hold

from trainadvisor.configuration import Config
from trainadvisor.judge.result import Finding, Remedy
from trainadvisor.monitor import follow_log, narrator
from trainadvisor.monitor.finding_events import FindingEvent
from trainadvisor.monitor.running_judge import RunningJudge
from trainadvisor.monitor.watched_script import WatchedScript

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A time that moves when it is told to."""

    def __init__(self, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(module, "clocks", SimpleNamespace(monotonic=lambda: self.now, sleep=self.sleep))

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.now += seconds


class Line:
    """Keeps what a status line was told."""

    def __init__(self, told: list[str], *, shown: bool = True) -> None:
        self.shown, self.told = shown, told
        self.text: Callable[[float], str] = str

    def show(self, text: Callable[[float], str]) -> None:
        """Begin a stage."""
        self.text = text
        self.told.append("(shown)")

    def draw(self, text: str) -> None:
        """Draw it."""
        self.told.append(f"~{text}")

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self.told.append(text)

    def end(self) -> None:
        """Take it away."""
        self.told.append("(ended)")


def finding(severity: str = "error", onset: int | None = 7, *, mended: bool = True) -> Finding:
    """Return a finding with a remedy or without."""
    remedy = Remedy(change="lr", arguments={}, applies="paste", text="Lower the rate. Then look again.", edits=[])
    return Finding(
        code="lr-too-high", family="optimization", kind="cause", severity=severity, confidence="certain", title="t",
        sentence="updates are too large", onset=onset, remedies=[remedy] if mended else [],
    )  # fmt: skip


HEADER = {
    "record": "header", "script": "train.py", "recorder": {"layers_every": 10}, "losses": [make_loss("mse_loss")],
    "models": [make_model(("a", "Linear", 4, 8))], "optimizers": [make_optimizer(parameters=range(2))],
}  # fmt: skip


def step(number: int, **more: Any) -> dict[str, Any]:
    """Return the record of a step."""
    return {"record": "step", "step": number, "loss": 1.5, "lr": [0.01], "grad_norm": 2.25, "seconds": 0.0125, **more}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Clock, list[str]]:
    """A narrator in both languages is made with this."""
    said: list[str] = []
    clock = Clock(narrator, monkeypatch)
    monkeypatch.setattr(narrator, "StatusLine", lambda _: Line(said))
    subscribed: list[Any] = []
    run: Any = SimpleNamespace(voice=None, shown=["train.py"], log=Path("log.json"), subscribe=subscribed.append)
    run.taken = subscribed
    return run, clock, said


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_training_is_told_step_by_step(told: tuple[Any, Clock, list[str]], lang: str) -> None:
    """Drawn each quarter of a second; introduced at step 20, or after four seconds."""
    run, clock, said = told
    made = narrator.Narrator(run, lang)
    (take,) = run.taken
    said += [made._status.text(0.0), made._status.text(3.7)]  # type: ignore[attr-defined]
    take(HEADER)
    take({"record": "event", "kind": "loader", "detail": {"id": 0, "batch_size": 4, "dataset": "D", "length": 9}})
    take({"record": "event", "kind": "other", "detail": {}})
    for number, passed in ((0, 1.0), (1, 0.25), (2, 0.26), (19, 1.0), (20, 0.3), (21, 0.3)):
        clock.sleep(passed)
        take(step(number))
    take({"record": "step", "step": 22, "loss": "nan", "lr": [], "seconds": 0.9994})
    clock.sleep(2.0)
    said.append(made._going_on(9.0))
    take(step(23, seconds=1.0, grad_norm=None, lr=["nan"]))
    clock.sleep(2.5)
    said.append(made._going_on(9.0))
    for kind in ("opened", "worsened", "cleared"):
        made.tell(FindingEvent(kind, finding(), 60))  # type: ignore[arg-type]
    made.tell(FindingEvent("opened", finding("warning", None, mended=False), 60))
    made.tell(FindingEvent("opened", finding("warning", -1, mended=False), 60))
    made.tell(FindingEvent("opened", finding("warning", 0, mended=False), 60))
    made.end()
    hold(f"monitor/training.{lang}.txt", "\n".join(said) + "\n")


def test_a_training_of_slow_steps_is_introduced_after_some_seconds(told: tuple[Any, Clock, list[str]]) -> None:
    """Else at its end, if it has stepped at all; a quiet one never."""
    run, clock, said = told
    made = narrator.Narrator(run, "en")
    take = run.taken[-1]
    take(HEADER)
    clock.sleep(4.0)
    take(step(0))
    assert not any("train.py" in line for line in said)
    clock.sleep(0.1)
    take(step(1))
    count = sum("train.py" in line for line in said)
    assert count == 1
    made.end()
    assert sum("train.py" in line for line in said) == 1
    for stepped in (True, False):
        said.clear()
        brief = narrator.Narrator(run, "en")
        run.taken[-1](HEADER)
        if stepped:
            run.taken[-1](step(0))
        brief.end()
        assert any("train.py" in line for line in said) is stepped
    before = len(run.taken)
    narrator.Narrator(run, "en", quiet=True)
    assert len(run.taken) == before


@pytest.mark.parametrize(
    ("live", "alerts", "stop", "taken", "thread"),
    [(False, False, None, 0, False), (True, False, None, 2, True), (False, True, None, 1, True),
     (False, False, "error", 1, True), (True, True, "error", 2, True)],
)  # fmt: skip
def test_who_is_told_of_a_watched_script(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    live: bool,
    alerts: bool,
    stop: str | None,
    taken: int,
    thread: bool,
) -> None:
    """Without anybody nothing is judged; the live view and the alerts hear of each finding."""
    subscribed: list[Any] = []
    run: Any = SimpleNamespace(voice=None, shown=["train.py"], log=tmp_path / "log.json", writer=None, stopped=False)
    run.subscribe = subscribed.append
    heard: list[Any] = []
    said: list[str] = []
    monkeypatch.setattr(narrator, "StatusLine", lambda _: Line(said))
    watched = WatchedScript(run, "en", Config())
    alerter: Any = SimpleNamespace(heed=heard.append) if alerts else None
    watched.begin(live=live, alerter=alerter, stop_on=stop, stop_after=0)
    assert len(subscribed) == taken
    assert (watched._thread is not None) is thread
    if watched._thread is not None:
        for subscriber in watched._thread._judge._subscribers:
            if "Stopper" not in type(getattr(subscriber, "__self__", None)).__name__:
                subscriber(FindingEvent("opened", finding(mended=False), 60))
    assert len(heard) == alerts
    assert any("updates are too large" in line for line in said) is live
    watched.end()
    assert ("(ended)" in said) is thread


def followed(folder: Path, monkeypatch: pytest.MonkeyPatch, ends: bool, redraw: bool, patience: float) -> str:
    """Return what following a log of a training that diverges writes."""
    end: Any = {"seconds": 4.0} if ends else None
    losses = [1.0 + 0.01 * n for n in range(30)] + ["nan"] * 70
    path = build_log(folder, columns={"loss": losses, "lr": 0.1, "grad_norm": 1.0, "seconds": 0.01}, end=end,
                     planned_steps=100, losses=[make_loss("mse_loss")])  # fmt: skip
    clock = Clock(follow_log, monkeypatch)
    stream = io.StringIO()
    monkeypatch.setattr(follow_log, "status", lambda *_, **__: io.StringIO())
    monkeypatch.setattr(RunningJudge, "due", lambda judge: judge.diagnosis is None)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "90")
    follower = follow_log.Follower(Path(path.name), "en", Config(), patience=patience, stream=stream, redraw=redraw)
    beat = follow_log.HEARTBEAT
    clock.sleep(beat + 1)
    follower.run()
    text = stream.getvalue().replace("\x1b", "\\e").replace("\r", "\\r")
    assert clock.now - 101 - beat <= patience + 2
    return text


@pytest.mark.parametrize("way", ["ended", "silent", "drawn"])
def test_a_log_is_followed_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """News, a sign of life, how it ended and the verdict; on a terminal a block that is drawn over the one before."""
    text = followed(tmp_path, monkeypatch, way != "silent", way == "drawn", 30.0)
    hold(f"monitor/followed.{way}.txt", text)


def test_a_foreign_log_is_followed_with_a_word_on_when_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is not told by itself, so that silence ends it."""
    rows = [{"step": n, "loss": 1.0 / (n + 1)} for n in range(30)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "90")
    clock = Clock(follow_log, monkeypatch)
    stream = io.StringIO()
    follow_log.Follower(Path("rows.jsonl"), "en", Config(), patience=20.0, stream=stream, redraw=False).run()
    assert 120 < clock.now < 125
    hold("monitor/followed.foreign.txt", stream.getvalue())
