"""Alerts: what is sent where, once a finding, and never in the way of the training."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.errors import UsageError
from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Finding
from trainadvisor.monitor import alerts
from trainadvisor.monitor.alerts import Alert, Alerter, body
from trainadvisor.monitor.finding_events import FindingEvent
from trainadvisor.monitor.last_word import LastWord, last_word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALERT = Alert("nan-loss", "error", 880, "the loss is NaN", "lower the learning rate", "train.py", 880)


def finding(code: str = "nan-loss", severity: str = "error", confidence: str = "certain") -> Finding:
    """Return a finding."""
    fields = {"family": "numerics", "kind": "symptom", "title": "t", "sentence": "the loss; $(touch x) is 'NaN'"}
    return Finding.model_validate({"code": code, "severity": severity, "confidence": confidence, **fields})


@pytest.fixture
def server() -> Iterator[tuple[str, list[Any]]]:
    """A web server on this machine and what was posted to it."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            posted.append(json.loads(self.rfile.read(length)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}/hook", posted
    web.shutdown()
    web.server_close()


@pytest.mark.parametrize(
    ("url", "keys"),
    [
        ("https://hooks.slack.com/services/T/B/X", {"text"}),
        ("https://discord.com/api/webhooks/1/x", {"content", "allowed_mentions"}),
        ("https://example.com/hook", {"schema", "text", "code", "severity", "step", "sentence", "fix", "run", "onset"}),
        (
            "https://notslack.com/slack.com",
            {"schema", "text", "code", "severity", "step", "sentence", "fix", "run", "onset"},
        ),
    ],
)
def test_the_host_chooses_the_shape(url: str, keys: set[str]) -> None:
    """A message for chats, fields for programs."""
    sent = body(url, ALERT, Words("en"))
    assert set(sent) == keys
    text = sent.get("text") or sent["content"]
    assert text.splitlines()[0] == "error[nan-loss] since step 880"
    assert "fix: lower the learning rate" in text


def test_a_message_calls_nobody() -> None:
    """Names from the log are text: <!channel> reaches no channel, @everyone nobody."""
    loud = Alert("nan-loss", "error", 1, "<!channel> & @everyone")
    assert "&lt;!channel&gt; &amp; @everyone" in body("https://hooks.slack.com/x", loud, Words("en"))["text"]
    assert body("https://ptb.discord.com/api/webhooks/1", loud, Words("en"))["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_a_tracker_that_the_script_uses_is_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In words of its own for the level; wandb through its active run."""
    calls: list[dict[str, Any]] = []
    tracker = ModuleType(name)
    vars(tracker)["AlertLevel"] = SimpleNamespace(ERROR="its error")
    vars(tracker)["alert"] = lambda **fields: calls.append(fields)
    vars(tracker)["run"] = tracker
    monkeypatch.setitem(sys.modules, name, tracker)
    alerter = Alerter()
    alerter.to_url(name)
    alerter.tell(finding(), 7)
    alerter.close()
    sentence = "the loss; $(touch x) is 'NaN'"
    assert calls == [{"title": "error[nan-loss] (seen at step 7)", "text": sentence, "level": "its error"}]


def test_without_an_active_run_a_tracker_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is imported for it."""
    alerter = Alerter()
    alerter.to_url("wandb")
    alerter.tell(finding(), 7)
    alerter.close()
    assert "wandb has no active run in this process" in capsys.readouterr().err
    assert "wandb" not in sys.modules


def test_a_server_that_answers_late_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is given up after some seconds; the training's end waits no longer than it was told to."""
    monkeypatch.setattr(alerts, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        alerter = Alerter()
        alerter.to_url(f"http://127.0.0.1:{silent.getsockname()[1]}/hook")
        alerter.tell(finding(), 1)
        alerter.close(wait=20)
    assert "alert not delivered (" in (told := capsys.readouterr().err)
    assert "timed out" in told


def test_a_finding_is_posted_once_and_again_when_it_worsens(server: tuple[str, list[Any]]) -> None:
    """One alert a finding a run."""
    url, posted = server
    alerter = Alerter("en", "train.py")
    alerter.to_url(url)
    for severity in ("warning", "warning", "error", "warning", "error"):
        alerter.tell(finding(severity=severity), 5)
    alerter.close()
    assert [(sent["severity"], sent["step"], sent["run"]) for sent in posted] == [
        ("warning", 5, "train.py"),
        ("error", 5, "train.py"),
    ]


def test_a_command_gets_the_fields_as_single_words(tmp_path: Path) -> None:
    """No shell reads them."""
    script = tmp_path / "note.py"
    script.write_text(
        f"import sys, pathlib; pathlib.Path({str(tmp_path / 'out')!r}).write_text('|'.join(sys.argv[1:]))"
    )
    alerter = Alerter()
    alerter.to_command(f"{sys.executable} {script} {{code}} {{step}} '{{sentence}}'")
    alerter.tell(finding(), 7)
    alerter.close()
    assert (tmp_path / "out").read_text() == "nan-loss|7|the loss; $(touch x) is 'NaN'"


def test_a_function_gets_its_level_and_above() -> None:
    """Notes and warnings stay away from a function for errors."""
    got: list[Alert] = []
    alerter = Alerter()
    alerter.to_function("error", got.append)
    alerter.tell(finding("a", "warning"), 1)
    alerter.tell(finding("b", "error"), 2)
    alerter.close()
    assert [(alert.code, alert.step) for alert in got] == [("b", 2)]


def test_a_failure_is_one_line_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the other ways nor the training."""
    got: list[Alert] = []
    alerter = Alerter()
    alerter.to_function("note", lambda alert: 1 / 0)
    alerter.to_url("http://127.0.0.1:9/nobody")
    alerter.to_command(f"{sys.executable} -c 'raise SystemExit(3)'")
    alerter.to_function("note", got.append)
    alerter.tell(finding("a"), 1)
    alerter.tell(finding("b"), 1)
    alerter.close()
    assert [alert.code for alert in got] == ["a", "b"]
    err = capsys.readouterr().err
    assert err == "trainadvisor: alert not delivered (ZeroDivisionError: division by zero); the training goes on\n"


def test_telling_never_waits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A receiver that hangs costs the training nothing, however many findings come."""
    monkeypatch.setattr(alerts, "WAITING", 3)
    gate = threading.Event()
    alerter = Alerter()
    alerter.to_function("note", lambda alert: gate.wait(20))
    began = time.monotonic()
    for number in range(50):
        alerter.tell(finding(f"code-{number}"), number)
    alerter.close(wait=0.1)
    assert time.monotonic() - began < 5
    assert "too many alerts wait" in capsys.readouterr().err
    gate.set()


def test_the_end_waits_for_what_waits_and_for_nothing_else() -> None:
    """A thread that leaves before a fork leaves what waits to the next one, and is waited for until it is sent."""
    alerter = Alerter()
    alerter._idle.clear()
    assert alerter._next() is None
    assert alerter._idle.is_set()
    alerter._waiting.append(ALERT)
    alerter._idle.clear()
    alerter._thread.leaving.set()
    assert alerter._next() is None
    assert not alerter._idle.is_set()
    alerter._thread.leaving.clear()
    assert alerter._next() == ALERT
    assert not alerter._idle.is_set()


def test_without_a_way_no_thread_runs() -> None:
    """Off by default."""
    alerter = Alerter()
    alerter.tell(finding(), 1)
    assert alerter._thread.away


@pytest.mark.parametrize(
    ("way", "wrong", "complaint"),
    [
        ("to_url", "ftp://x/y", "is no web address"),
        ("to_url", "hooks.slack.com", "is no web address"),
        ("to_command", "cmd {cod}", "there is no field {cod}; did you mean"),
        ("to_command", "cmd '", "cannot be read (No closing quotation)"),
        ("to_command", "cmd {code.__class__}", "there is no field {code.__class__}"),
        ("to_command", " ", "the command is empty"),
    ],
)
def test_a_way_that_leads_nowhere_is_refused(way: str, wrong: str, complaint: str) -> None:
    """Before the training starts."""
    with pytest.raises(UsageError) as caught:
        getattr(Alerter(), way)(wrong)
    assert complaint in str(caught.value)


def test_a_level_that_is_none_is_refused() -> None:
    """As the other arguments."""
    with pytest.raises(UsageError, match=r"on\('fatal', ...\): must be one of note, warning, error"):
        Alerter().to_function("fatal", print)


def test_what_a_judge_finds_is_sent_and_what_clears_is_not() -> None:
    """With the step of its onset, or the one at which it was seen."""
    got: list[Alert] = []
    alerter = Alerter()
    alerter.to_function("note", got.append)
    alerter.heed(FindingEvent("opened", finding("a"), 30))
    alerter.heed(FindingEvent("cleared", finding("b"), 40))
    alerter.heed(FindingEvent("worsened", finding("c").model_copy(update={"onset": 7}), 50))
    alerter.close()
    assert [(alert.code, alert.step) for alert in got] == [("a", 30), ("c", 7)]


def test_a_warning_that_explains_an_error_is_an_error() -> None:
    """What is called for errors hears of NaN behind a warning, by the name of its cause."""
    heard: list[tuple[str, str]] = []
    alerter = Alerter()
    alerter.to_function("error", lambda alert: heard.append((alert.code, alert.severity)))
    alerter.tell(finding("activation-explosion", "warning"), 3)
    alerter.tell(finding("activation-explosion", "warning").model_copy(update={"explains": [finding()]}), 9)
    alerter.close()
    assert heard == [("activation-explosion", "error")]


def last(state: str = "broken", code: int = 0) -> LastWord:
    """Return what is said of a run that is over."""
    return LastWord(state, "the learning rate is too high", "train.py", code, 80, "log.json", "out.html", "box")


def test_the_last_word_has_verdict_host_and_report(server: tuple[str, list[Any]]) -> None:
    """One message more when the run is over, in words and in fields."""
    url, posted = server
    alerter = Alerter("en", "train.py")
    alerter.to_url(url)
    alerter.finish([], last(code=1))
    assert posted[0].pop("text").splitlines() == [
        "BROKEN: train.py on box",
        "the learning rate is too high",
        "the script exited with 1",
        "wrote the report out.html",
        "log: log.json",
    ]
    assert posted == [
        {
            "schema": "trainadvisor/end/1", "failed": True, "state": "broken", "host": "box", "script": "train.py",
            "summary": "the learning rate is too high", "code": 1, "steps": 80, "log": "log.json", "report": "out.html",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("notify_on", "state", "code", "sent"),
    [
        ("always", "healthy", 0, 1),
        ("fail", "healthy", 0, 0),
        ("fail", "needs-attention", 0, 0),
        ("fail", "broken", 0, 1),
        ("fail", "healthy", 3, 1),
    ],
)
def test_a_last_word_may_be_for_failures_only(
    server: tuple[str, list[Any]], notify_on: str, state: str, code: int, sent: int
) -> None:
    """A broken training is one, and a script that ends with an error."""
    url, posted = server
    alerter = Alerter("en", "train.py", notify_on)
    alerter.to_url(url)
    alerter.finish([], last(state, code))
    assert len(posted) == sent


def test_a_last_word_that_cannot_be_delivered_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is raised, and nobody waits longer than the limit."""
    alerter = Alerter("en", "train.py")
    alerter.to_url("http://127.0.0.1:9/hook")
    alerter.finish([], last())
    assert capsys.readouterr().err.count("alert not delivered") == 1


def test_a_last_word_carries_no_secret() -> None:
    """Nor does a script's name or a path, whatever they hold."""
    told = last_word(
        None, "no: password=hunter22", "s3://me:hunter22@host/train.py", 0, 0, "token=hunter22/log.json", ""
    )
    assert "hunter22" not in told.text(Words("en"))
    assert told.state == "cannot-tell"
