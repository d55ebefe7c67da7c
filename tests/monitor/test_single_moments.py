"""Single moments of a watched training: what is told, waited for and sent, at and beside the limits."""
# ruff: noqa: FBT001 - what is expected of a table is a truth

from __future__ import annotations

import io
import math
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.configuration import Config
from trainadvisor.errors import LogError, UsageError
from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Finding
from trainadvisor.log.records import PROVISIONAL
from trainadvisor.monitor import alerts, console, follow_log, judging_thread, running_judge, stopping
from trainadvisor.monitor.alerts import Alert, Alerter
from trainadvisor.monitor.ending import Ending
from trainadvisor.monitor.finding_events import FindingLedger, Standing, worst_severity
from trainadvisor.monitor.judging_thread import JudgingThread
from trainadvisor.monitor.look_pace import LookPace
from trainadvisor.monitor.running_judge import LogJudge, RunningJudge
from trainadvisor.monitor.stopping import Stopper, StoppingThread
from trainadvisor.report import files


def finding(code: str = "a", severity: str = "error", **fields: Any) -> Finding:
    """Return a finding that rests on statistics, unless other fields are given."""
    plain = {"family": "x", "kind": "cause", "confidence": "likely", "title": code, "sentence": code}
    return Finding.model_validate({**plain, "code": code, "severity": severity, **fields})


def test_the_judge_loads_beforehand_what_it_will_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signals, the lines and the rules; rules that cannot be loaded are told by the first judgement."""
    LogJudge().prepare()  # whatever imports them by name has done so
    loaded: list[str] = []
    monkeypatch.setattr("trainadvisor.signals.all_signals", lambda: loaded.append("signals"))
    monkeypatch.setattr("trainadvisor.telling.told_lines.prepare", lambda: loaded.append("lines"))

    def rules(**_: Any) -> None:
        loaded.append("rules")
        raise LogError("rules")

    monkeypatch.setattr("trainadvisor.judge.rules_for", rules)
    LogJudge().prepare()
    assert sorted(loaded) == ["lines", "rules", "signals"]


class Log:
    """Stands for a log that grows by what it is given."""

    path = Path("log.json")

    def __init__(self, *pieces: list[dict[str, Any]], world: int | None = 1) -> None:
        self.pieces = list(pieces)
        self.header = {"world_size": world}

    @property
    def behind(self) -> bool:
        return bool(self.pieces)

    def grow(self) -> list[dict[str, Any]]:
        return self.pieces.pop(0) if self.pieces else []

    def snapshot(self) -> Any:
        return SimpleNamespace(header=self.header)


def step(number: Any, **more: Any) -> dict[str, Any]:
    """Return the record of a step."""
    return {"record": "step", "step": number, "seconds": 0.1, **more}


def judge(log: Log, findings: tuple[Finding, ...] = (), pace: LookPace | None = None) -> RunningJudge:
    """Return a judge of a log that finds what is given."""
    return RunningJudge(log, lambda _: SimpleNamespace(findings=findings), pace or LookPace())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("record", "is_step"),
    [(step(3), True), (step(0), True), (step("3"), False), (step(3.0), False),
    ({"record": "step"}, False),
     ({"record": "eval", "step": 3}, False), ({}, False)],
)  # fmt: skip
def test_a_record_of_a_step(record: dict[str, Any], is_step: bool) -> None:
    """With a whole number."""
    assert running_judge._is_step(record) is is_step


def test_a_judge_reads_piece_by_piece_and_looks_once() -> None:
    """Up to the last step that was read; nothing new is not judged again."""
    running = judge(Log([step(1)], [step(2), {"record": "eval"}]), (finding(confidence="certain"),))
    heard: list[Any] = []
    running.subscribe(heard.append)
    assert running.behind
    running.catch_up()
    assert (running.behind, running.step, [event.kind for event in heard]) == (False, 2, ["opened"])
    running.diagnosis = None
    running.look()
    assert running.diagnosis is None
    running.look(final=True)
    assert running.diagnosis is not None


def test_a_step_that_goes_back_is_of_another_run() -> None:
    """What was found before no longer stands; a step that comes again is of the same."""
    running = judge(Log([step(5)], [step(5)], [step(4)]), (finding(confidence="certain"),))
    running.grow()
    running.look()
    running.grow()
    assert running.diagnosis is not None
    assert len(running.standing) == 1
    running.grow()
    assert (running.diagnosis, running.standing) == (None, [])


@pytest.mark.parametrize(("world", "read"), [(1, False), (None, False), (0, False), (2, True)])
def test_logs_of_several_processes_are_read_together(monkeypatch: pytest.MonkeyPatch, world: Any, read: bool) -> None:
    """Those of one as they have grown."""
    monkeypatch.setattr(running_judge, "read_log", lambda path: f"read {path}")
    log = judge(Log(world=world))._snapshot()
    assert (log == "read log.json") is read


@pytest.mark.parametrize(
    ("now", "number", "by_steps", "due"),
    [
        (103.9, 500, False, False),
        (104.0, 0, False, True),
        (101.0, 19, True, False),
        (101.0, 20, True, True),
        (101.0, 20, False, False),
    ],
)
def test_when_to_look(monkeypatch: pytest.MonkeyPatch, now: float, number: int, by_steps: bool, due: bool) -> None:
    """After four seconds, or at step 20 where steps count."""
    monkeypatch.setattr("trainadvisor.monitor.look_pace.clocks.monotonic", lambda: 100.0)
    assert LookPace(by_steps=by_steps).due(now, number) is due


def test_looks_by_steps_go_on_from_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 20, 40, 80 and every 50 then, or where one is asked for; a look rests 20 times as long as it took."""
    monkeypatch.setattr("trainadvisor.monitor.look_pace.clocks.monotonic", lambda: 100.0)
    pace = LookPace(by_steps=True)
    assert pace.allowance(140.0) == 5.0
    for at, following in ((20, 40), (40, 80), (80, 130), (5, 25)):
        pace.looked(101.0, 101.5, at)
        assert pace._step == following
    assert (pace.cost, pace.moment, pace._spent) == (0.5, 111.5, 2.0)
    pace.looked(101.0, 101.1, 5)
    assert pace.moment == pytest.approx(105.1)
    pace.ask(10)
    pace.ask(90)
    assert pace._step == 10
    assert pace.due_by_steps(100.0, 10)
    pace._spent = 3.0
    assert not pace.due_by_steps(100.0, 10)


class Background:
    """Stands for the thread of a judge."""

    def __init__(self, *, away: bool = True, called: bool = True) -> None:
        self.away, self._called = away, called
        self.done: list[str] = []
        self.leaving = SimpleNamespace(is_set=lambda: False)

    def call(self) -> bool:
        self.done.append("call")
        return self._called

    def ring(self) -> None:
        self.done.append("ring")

    def end(self, seconds: float) -> None:
        self.done.append(f"end {seconds:g}")


def watched(stopper: Stopper | None = None, **pace: Any) -> tuple[Any, list[Any]]:
    """Return the thread of `--stop-on` with a judge that does nothing, and what it does."""
    done: list[Any] = []
    given = {
        "cost": None,
        "moment": math.inf,
        "due_by_steps": lambda *_: False,
        "allowance": lambda _: 1.0,
        "ask": lambda date: done.append(("ask", date)),
    }
    looked = SimpleNamespace(
        pace=SimpleNamespace(**given | pace), standing=[], step=0, catch_up=lambda **_: done.append("looked")
    )
    narrator: Any = SimpleNamespace(
        complain=done.append, interrupt=lambda found, at: done.append(("stop", found.code, at))
    )
    writer = SimpleNamespace(hand_over=lambda: done.append("handed over"), settle=lambda: done.append("settled"))
    run: Any = SimpleNamespace(writer=writer, held=nullcontext)
    thread: Any = StoppingThread(looked, narrator, run, stopper or Stopper("error", 50))  # type: ignore[arg-type]
    thread._background = Background(away=False)
    return thread, done


def test_a_look_is_asked_for_where_the_pace_says_so() -> None:
    """At a step, once until it was done; nothing else asks."""
    thread, done = watched(due_by_steps=lambda _, number: number >= 20)
    thread.take({"record": "eval", "step": 20})
    thread.take(step(19))
    assert (thread._asked, done) == (None, [])
    thread._waited = 5.0
    thread.take(step(20))
    thread.take(step(21))
    assert (thread._asked, done, thread._background.done) == (20, ["handed over"], ["ring"])
    assert thread._is_due()
    thread._look()
    assert (thread._asked, thread._looked.is_set(), done[1:]) == (None, True, ["settled", "looked"])
    assert not thread._is_due()
    assert StoppingThread(thread._judge, thread._narrator, thread._run, Stopper("error", 5))._waited == 0.0


@pytest.mark.parametrize(
    ("waited", "called", "waits"), [(0.0, True, True), (0.9, True, True), (1.0, True, False), (0.0, False, False)]
)
def test_a_training_waits_as_long_as_that_is_seldom(
    monkeypatch: pytest.MonkeyPatch, waited: float, called: bool, waits: bool
) -> None:
    """And only for a thread that will look."""
    monkeypatch.setattr(stopping, "clocks", SimpleNamespace(monotonic=iter([10.0, 10.25]).__next__))
    thread, _ = watched()
    thread._background = Background(called=called)
    thread._looked = SimpleNamespace(wait=lambda seconds: None)
    thread._waited = waited
    thread._wait(40)
    assert (thread._waited_at == 40, thread._waited) == (waits, waited + 0.25 if waits else waited)


def test_a_script_is_interrupted_once_between_two_steps() -> None:
    """By the finding that has stood for long enough, which asks for a look at its date."""
    thread, done = watched(Stopper("error", 50))
    thread._judge.standing, thread._judge.step = [Standing(finding(), 10, told=True)], 59
    thread._look()
    assert done[-1] == ("ask", 60)
    assert thread._stopper.decided is None
    thread._judge.step = 60
    thread._look()
    thread.take({"record": "eval"})
    thread.take(step(61))
    thread.take(step(62))
    assert [what for what in done if what[0] == "stop"] == [("stop", "a", 61)]


def test_the_first_that_is_due_decides_for_good() -> None:
    """Of several that stand, the one whose date is the earliest; nothing wanted has no date."""
    stopper = Stopper("warning", 10)
    late, soon = (Standing(finding(code, "warning"), since, told=True) for code, since in (("late", 9), ("soon", 3)))
    assert stopper.consider([late, soon], 12) == 13
    assert stopper.decided is None
    assert stopper.consider([late, soon], 13) == 13
    assert stopper.consider([late], 40) == 19
    assert stopper.decided is not None
    assert stopper.decided.code == "soon"
    assert Stopper("b", 10).consider([late], 40) is None


@pytest.mark.parametrize(
    ("away", "kind", "called"), [(True, "step", ["call"]), (False, "step", []), (True, "header", [])]
)
def test_a_judge_is_called_for_the_first_step(away: bool, kind: str, called: list[str]) -> None:
    """Where it is away."""
    thread: Any = judging_thread.JudgingThread(SimpleNamespace())  # type: ignore[arg-type]
    thread._background = Background(away=away)
    thread.take({"record": kind})
    assert thread._background.done == called


@pytest.mark.parametrize(("final", "leaving", "told"), [(False, False, True), (False, True, False), (True, True, True)])
def test_a_look_that_fails_is_told(final: bool, leaving: bool, told: bool) -> None:
    """Not while the training is leaving, but at its end."""
    complaints: list[Exception] = []

    def failing(**_: Any) -> None:
        raise LogError("odd")

    thread: Any = judging_thread.JudgingThread(SimpleNamespace(catch_up=failing), complaints.append)  # type: ignore[arg-type]
    thread._background = Background()
    thread._background.leaving = SimpleNamespace(is_set=lambda: leaving)
    thread._look(final=final)
    assert (len(complaints) == 1) is told
    thread.end()
    assert thread._background.done == ["end 10"]


@pytest.mark.parametrize(
    ("age", "at", "holds"), [(49, 59.0, False), (50, 0.0, True), (0, 60.0, True), (49, 60.0, True)]
)
def test_statistics_have_held_after_fifty_steps_or_a_minute(age: int, at: float, holds: bool) -> None:
    """Whichever comes first."""
    ledger = FindingLedger()
    ledger.update([finding()], 10, 5.0)
    assert bool(ledger.update([finding()], 10 + age, 5.0 + at)) is holds


def test_what_was_told_clears_alone() -> None:
    """What stays does not; what was never told has not cleared."""
    ledger = FindingLedger()
    sure = {"confidence": "certain"}
    ledger.update([finding("a", **sure), finding("b", **sure), finding("c")], 10, 0.0)
    cleared = ledger.update([finding("b", **sure)], 20, 0.0)
    assert [(event.kind, event.finding.code, event.step) for event in cleared] == [("cleared", "a", 20)]


@pytest.mark.parametrize(
    ("follower", "worst"),
    [({"confidence": "certain"}, "error"), ({}, "warning"),
    ({"confidence": "certain", "handling": {"phase": "end"}}, "warning"),
     ({"handling": {"evidence": "direct"}}, "error")],
)  # fmt: skip
def test_how_grave_a_finding_is_with_what_follows(follower: dict[str, Any], worst: str) -> None:
    """As far as that was seen, and is no prophecy."""
    assert worst_severity(finding("a", "warning", explains=[finding("b", **follower)])) == worst


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://hooks.slack.com/x", "text"), ("https://slack.com/x", "text"),
        ("https://hooks.slack-gov.com/x", "text"),
        ("https://notslack.com/x", "schema"), ("https://discord.com/api/x", "content"),
        ("https://discordapp.com/api/x", "content"),
        ("https://discord.com/x", "schema"), ("https://example.com/api/x", "schema"), ("odd", "schema"),
    ],
)  # fmt: skip
def test_the_form_of_a_message(url: str, key: str) -> None:
    """That of Slack or Discord, else the text with the fields."""
    told = alerts.shaped(url, "<a> & b" + "x" * 3000, {"schema": "s"})
    assert key in told
    assert ("schema" in told) is (key == "schema")
    assert told.get("text", "").startswith("&lt;a&gt; &amp; b" if key == "text" else "") or key == "schema"
    assert len(told.get("content", "")) == (2000 if key == "content" else 0)


@pytest.mark.parametrize(
    ("alert", "lines"),
    [
        (Alert("c", "error", 5, "s"), ["error[c] (seen at step 5)", "s"]),
        (Alert("c", "error", 0, "s", onset=0), ["error[c] since step 0", "s"]),
        (Alert("c", "error", -1, "s", onset=-1), ["error[c]", "s"]),
        (Alert("c", "error", -1, "s"), ["error[c]", "s"]),
        (Alert("c", "error", 5, "s", "mend", "r"), ["error[c] (seen at step 5)", "s", "fix: mend", "run: r"]),
    ],
)
def test_the_lines_of_a_message(alert: Alert, lines: list[str]) -> None:
    """Since when it holds, as far as that is known; the remedy and the run where they are known."""
    told = alerts.body("https://example.com", alert, Words("en"))
    assert told["text"].split("\n") == lines
    assert (told["schema"], told["code"], told["run"]) == ("trainadvisor/alert/1", "c", alert.run)


@pytest.mark.parametrize("url", ["wandb", "trackio", "http://a", "https://a/b"])
def test_an_address_that_is_one(url: str) -> None:
    """Of the web, or the name of a tracker."""
    alerts.check_url(url)


@pytest.mark.parametrize("url", ["mlflow", "ftp://a", "http:///path", "", "a.b/c"])
def test_an_address_that_is_none(url: str) -> None:
    """Is refused with what it may be."""
    with pytest.raises(UsageError, match="is no web address"):
        alerts.check_url(url)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a {cod}", "no field"),
        ("a 'b", "cannot be read"),
        ("a {", "cannot be read"),
        ("a {}", "no field"),
    ],
)
def test_a_command_that_is_none(template: str, reason: str) -> None:
    """Each way says why."""
    with pytest.raises(UsageError, match=reason):
        alerts.check_command(template)


def test_a_command_that_is_one() -> None:
    """A brace that is doubled is one; each field has its place."""
    alerts.check_command("a {{x}} {code} {severity} {step} {sentence} {fix} {run}")
    assert alerts._filled(["{{x}}", "{code}: {step}"], Alert("c", "error", 5, "s")) == ["{x}", "c: 5"]


@pytest.mark.parametrize(
    ("failed", "notify_on", "way", "sent"),
    [(True, "failure", True, 1), (False, "failure", True, 0), (False, "always", True, 1), (True, "always", False, 0)],
)
def test_whether_a_last_word_is_sent(
    monkeypatch: pytest.MonkeyPatch, failed: bool, notify_on: str, way: bool, sent: int
) -> None:
    """After every run, or after those that failed; nowhere without an address."""
    alerter = Alerter(notify_on=notify_on)
    messages: list[Any] = []
    monkeypatch.setattr(alerter, "_send", messages.append)
    alerter._last_ways = [print] if way else []
    alerter.finish([], SimpleNamespace(failed=failed))  # type: ignore[arg-type]
    assert len(messages) == sent


def test_at_the_end_notes_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings at the step since which they hold."""
    alerter = Alerter(run="r")
    alerter.to_function("note", print)
    messages: list[Any] = []
    monkeypatch.setattr(alerter, "_send", messages.append)
    alerter.finish([finding("a", "note"), finding("b", onset=7), finding("c")])
    assert [(sent.code, sent.step, sent.run) for sent in messages] == [("b", 7, "r"), ("c", 0, "r")]


@pytest.mark.parametrize(
    ("levels", "sent"),
    [(["warning"], 1), (["warning", "warning"], 1), (["warning", "error"], 2), (["error", "warning"], 1)],
)
def test_a_finding_is_sent_again_where_its_level_rises(
    monkeypatch: pytest.MonkeyPatch, levels: list[str], sent: int
) -> None:
    """Not where it falls; without a way nothing is."""
    alerter = Alerter()
    messages: list[Any] = []
    monkeypatch.setattr(alerter, "_send", messages.append)
    alerter.tell(finding(), 1)
    assert messages == []
    alerter.to_function("note", print)
    for level in levels:
        alerter.tell(finding(severity=level), 1)
    assert len(messages) == sent


@pytest.mark.parametrize(("name", "level"), [("wandb", "WARN"), ("trackio", "TrackioWarn")])
def test_the_alert_of_a_tracker(monkeypatch: pytest.MonkeyPatch, name: str, level: str) -> None:
    """Of the run that wandb has, of trackio itself; by their own levels where they have them."""
    sent: list[dict[str, Any]] = []
    tracker = SimpleNamespace(alert=lambda **given: sent.append(given), AlertLevel=SimpleNamespace(WARN="TrackioWarn"))
    module = tracker if name == "trackio" else SimpleNamespace(run=tracker)
    monkeypatch.setitem(sys.modules, name, module)
    alerts._track(name, Alert("c", "warning", 5, "s", "mend"), Words("en"))
    alerts._track(name, Alert("c", "warning", 5, "s"), Words("en"))
    title = "warning[c] (seen at step 5)"
    assert [(one["text"], one["level"], one["title"]) for one in sent] == [
        ("s\nfix: mend", level, title), ("s", level, title),
    ]  # fmt: skip


def test_too_many_alerts_that_wait_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hundredth still waits."""
    alerter = Alerter()
    said: list[str] = []
    monkeypatch.setattr(alerter, "resume", lambda: None)
    monkeypatch.setattr(alerter, "_voice", SimpleNamespace(line=said.append))
    for number in range(102):
        alerter._send(Alert("c", "error", number, "s"))
    assert (len(alerter._waiting), len(said)) == (100, 1)


def ending(tmp_path: Path, said: list[str], **given: Any) -> Any:
    """Return the end of a run."""
    usual: dict[str, Any] = {
        "run": SimpleNamespace(voice=SimpleNamespace(line=said.append), stopped=False, target="train.py"),
        "log": Path("log.json"),
        "keep": True, "report": Path("page.json"), "lang": "en", "settings": Config(),
        "gate": lambda _: 0, "alerter": None, "processes": 1,
    }  # fmt: skip
    return Ending(**usual | given, _folder=tmp_path)


def test_a_report_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason; one that was written is told with its path."""
    said: list[str] = []

    def refused(*_: Any, **__: Any) -> None:
        raise UsageError("page.json: cannot be written")

    made: Any = ending(tmp_path, said)
    words: Any = lambda key, **given: f"{key} {given['path']}"  # noqa: E731 - stands for the words of a language
    monkeypatch.setattr(files, "write", lambda *_, **__: None)
    made._write(None, None, tmp_path / "page.json", words)
    monkeypatch.setattr(files, "write", refused)
    made._write(None, None, tmp_path / "page.json", words)
    assert said == ["trainadvisor: run.report page.json", "trainadvisor: page.json: cannot be written"]


def test_whatever_fails_at_the_end_is_told_and_keeps_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless we have stopped the script."""

    def failing(_: Any, code: int) -> int:
        raise ValueError(str(code))

    monkeypatch.setattr(Ending, "_tell", failing)
    said: list[str] = []
    made = ending(tmp_path, said)
    assert made.tell(7) == 7
    assert said == ["trainadvisor: log.json: ValueError: 7"]
    made.run.stopped = True
    assert made.tell(7) == 1


@pytest.mark.parametrize(("content", "stays"), [(f'{{"{PROVISIONAL}": 1}}', False), ('{"a": 1}', True), (None, False)])
def test_an_interrupt_before_the_script_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, stays: bool
) -> None:
    """One line, the exit code of an interrupt, and no log in which nothing is."""
    log = tmp_path / "runs" / "log.json"
    log.parent.mkdir()
    if content is not None:
        log.write_text(content)
    with pytest.raises(SystemExit) as left, console._cancelled(log, "en"):
        raise KeyboardInterrupt
    assert left.value.code == 130
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert (log.exists(), log.parent.exists()) == (stays, stays if content is not None else True)


@pytest.mark.parametrize(("module", "main"), [(False, True), (True, False)])
def test_the_sources_that_are_looked_at(monkeypatch: pytest.MonkeyPatch, module: bool, main: bool) -> None:
    """The script as it is named, of a module the file that runs."""
    asked: list[Any] = []
    monkeypatch.setattr("trainadvisor.mending.written_faults.written_faults", lambda path, *_: asked.append(path) or [])
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__file__="/m/__main__.py"))
    assert console._written("train.py", module=module) == []
    assert asked == [str(Path.cwd() / "train.py") if main else "/m/__main__.py"]


def follower(path: Path, stream: Any, patience: float = 5.0) -> Any:
    """Return what follows a log without redrawing."""
    return follow_log.Follower(path, "en", Config(), patience=patience, stream=stream, redraw=False)


@pytest.mark.parametrize(("passed", "stepped", "told"), [(600.0, True, 0), (600.1, True, 1), (601.0, False, 0)])
def test_a_long_run_is_told_to_go_on_every_ten_minutes(tmp_path: Path, passed: float, stepped: bool, told: int) -> None:
    """Once it has stepped."""
    stream = io.StringIO()
    made = follower(tmp_path / "log.json", stream)
    made._beaten = 1000.0
    made._view.step = {"step": 5, "loss": 1.0} if stepped else {}
    made._show(1000.0 + passed)
    made._show(1000.0 + passed)
    assert len(stream.getvalue().splitlines()) == told


@pytest.mark.parametrize(
    ("patience", "silent", "ended", "over"),
    [(5.0, 5.0, False, False), (5.0, 5.1, False, True), (0.0, 99.0, False, False), (5.0, 0.0, True, True)],
)
def test_when_nothing_more_is_to_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float, silent: float, ended: bool, over: bool
) -> None:
    """After the end, or longer silence than patience."""
    made = follower(tmp_path / "log.json", io.StringIO(), patience)
    made._grown = 100.0
    made._view.end = {"reason": "exit"} if ended else None
    monkeypatch.setattr(made._judge, "due", lambda: False)
    monkeypatch.setattr(follow_log, "clocks", SimpleNamespace(monotonic=lambda: 100.0 + silent))
    assert made._over() is over


def test_what_is_drawn_goes_over_what_was_drawn() -> None:
    """As many lines up as there were."""
    stream = io.StringIO()
    made = follower(Path("log.json"), stream)
    made._draw(["a", "b"])
    made._draw(["c"])
    assert stream.getvalue() == "\r\x1b[Ja\nb\n\x1b[2A\r\x1b[Jc\n"


def test_the_view_keeps_what_the_records_say() -> None:
    """Each with its own kind; a loss of words is none."""
    view = follow_log.View(Path("log.json"))
    view.take(
        [{"record": "header", "planned_steps": 9, "script": "a.py", "imported": {"unit": "epoch"}}, {"record": "event"}]
    )
    view.take(
        [
            step(3, loss=0.5),
            {"record": "eval", "step": 3, "loss": 0.4},
            step(4, loss="odd"),
            {"record": "end", "reason": "exit"},
        ]
    )
    assert (view.planned, view.script, view.epochs, view.records) == (9, "a.py", True, 6)
    assert (view.losses, view.step["step"], view.evaluation["loss"], view.end) == ([0.5], 4, 0.4, {"reason": "exit"})
    view.take([{"record": "header", "imported": 5}])
    assert (view.planned, view.epochs) == (None, False)


@pytest.mark.parametrize(("columns", "width"), [(50, 60), (60, 60), (80, 80), (100, 100), (200, 100)])
def test_how_wide_is_drawn(monkeypatch: pytest.MonkeyPatch, columns: int, width: int) -> None:
    """Between 60 and 100 characters."""
    monkeypatch.setattr(follow_log.shutil, "get_terminal_size", lambda _: SimpleNamespace(columns=columns))
    assert follow_log._width() == width


def test_a_look_in_between_is_not_the_last() -> None:
    """Only that at the end is final."""
    seen: list[bool] = []
    judge: Any = SimpleNamespace(pace=SimpleNamespace(moment=math.inf), catch_up=lambda *, final: seen.append(final))
    thread = JudgingThread(judge, seen.append)  # type: ignore[arg-type]
    thread._look()
    thread._look(final=True)
    assert seen == [False, True]
