"""Alerts: findings sent to a URL, a command or a function while it trains, beside the training and never in its way."""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
import threading
import urllib.request
from collections import deque
from dataclasses import asdict, dataclass
from html import escape
from string import Formatter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from trainadvisor.background import Background
from trainadvisor.errors import UsageError, did_you_mean
from trainadvisor.hidden_thread import listed
from trainadvisor.i18n.language import Words, ours
from trainadvisor.i18n.since import since
from trainadvisor.monitor.finding_events import worst_severity
from trainadvisor.monitor.last_word import ALWAYS, LastWord
from trainadvisor.vocabulary import Severity
from trainadvisor.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trainadvisor.judge.result import Finding
    from trainadvisor.monitor.finding_events import FindingEvent

LEVELS = tuple(map(str, Severity))
TRACKERS = ("wandb", "trackio")
FIELDS = ("code", "severity", "step", "sentence", "fix", "run")
# Alerts that may wait, seconds that one may take, seconds that the end of the training waits for the rest.
WAITING, PATIENCE, LAST_WAIT = 100, 10.0, 5.0
# Seconds after which the end looks again whether the rest waits for a thread.
_LOOK = 0.2


@dataclass(frozen=True)
class Alert:
    """One finding, as it is sent."""

    code: str
    severity: str
    step: int
    sentence: str
    fix: str = ""
    run: str = ""
    # The step since which it holds, None where that is not known.
    onset: int | None = None

    def title(self, words: Words) -> str:
        """Return what is found, and since when it holds."""
        place = since(self.onset, self.step, words)
        return words("alert.title", severity=self.severity, code=self.code, place=place)


def alert_of(finding: Finding, step: int, run: str = "") -> Alert:
    """Return the alert of a finding that is seen at a step."""
    first = finding.remedies[0].text if finding.remedies else ""
    sentence, onset = finding.sentence or finding.title, finding.onset
    told = step if onset is None else onset
    return Alert(finding.code, worst_severity(finding), told, sentence, first, run, onset)


def body(url: str, alert: Alert, words: Words) -> dict[str, Any]:
    """Return what a URL is sent: a message for Slack and Discord, the fields for anything else."""
    lines = [alert.title(words), alert.sentence]
    lines += [f"{words('fix')}{words('colon')}{alert.fix}"] if alert.fix else []
    lines += [words("alert.run", run=alert.run)] if alert.run else []
    return shaped(url, "\n".join(lines), {"schema": "trainadvisor/alert/1", **asdict(alert)})


def shaped(url: str, text: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a message for Slack and Discord, the text and the fields for anything else."""
    host, path = urlsplit(url).hostname or "", urlsplit(url).path
    if _under(host, "slack.com", "slack-gov.com"):
        return {"text": escape(text, quote=False)}  # Slack reads <!channel> as a call to everybody
    if _under(host, "discord.com", "discordapp.com") and path.startswith("/api/"):
        return {"content": text[:2000], "allowed_mentions": {"parse": []}}
    return {"text": text, **fields}


def _under(host: str, *domains: str) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def check_url(url: str) -> None:
    """Refuse what is neither an address of the web nor a tracker's name."""
    if url not in TRACKERS and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        names = " or ".join(TRACKERS)
        message = f"--notify {url}: is no web address; write it like https://hooks.example.com/path, or {names}"
        raise UsageError(message)


def check_command(template: str) -> None:
    """Refuse a command that cannot be split or names a field that alerts do not have."""
    fields = ", ".join(f"{{{field}}}" for field in FIELDS)
    try:
        words = shlex.split(template)
        named = [name for word in words for _, name, _, _ in Formatter().parse(word) if name is not None]
    except ValueError as error:
        message = f"--on-finding {template!r}: cannot be read ({error}); fields are {fields}"
        raise UsageError(message) from error
    if unknown := [name for name in named if name not in FIELDS]:
        message = f"--on-finding {template!r}: there is no field {{{unknown[0]}}}{did_you_mean(unknown[0], FIELDS)}"
        raise UsageError(f"{message}; fields are {fields}")
    if not words:
        message = "--on-finding: the command is empty; write one such as 'notify-send {code}'"
        raise UsageError(message)


def _filled(words: list[str], alert: Alert) -> list[str]:
    """Fill each word by itself: a finding's text stays one argument, whatever it holds."""
    return [word.format(**asdict(alert)) for word in words]


class Alerter:
    """Sends alerts from a daemon thread: one a finding, again when its level rises; a failure is one line on stderr.

    The thread lives only while something is to be sent, and leaves before a fork; `resume` lets it go on.
    """

    def __init__(self, lang: str = "en", run: str = "", notify_on: str = ALWAYS) -> None:
        """Take the language of the messages, the name of the run, and after which runs a last word is sent."""
        self.notify_on = notify_on
        self._words, self._run = Words(lang), run
        self._ways: list[tuple[str, Callable[[Alert], object]]] = []
        self._last_ways: list[Callable[[LastWord], object]] = []
        self._sent: dict[str, str] = {}
        self._waiting: deque[Alert | LastWord] = deque()
        self._lock = threading.RLock()  # a signal handler of the script may close during one of these calls
        self._idle = threading.Event()
        self._idle.set()
        self._thread = Background(self._work, "trainadvisor-alerts", thread=listed)
        self._pid = os.getpid()
        self._voice = Voice()
        self._complained = False

    def to_url(self, url: str) -> None:
        """Post every alert to a URL, or hand it to the run of a tracker that the script has started."""
        check_url(url)
        if url in TRACKERS:
            self._ways.append(("note", lambda alert: _track(url, alert, self._words)))
            return
        self._ways.append(("note", lambda alert: self._post(url, body(url, alert, self._words))))
        self._last_ways.append(lambda last: self._post(url, self._told(url, last)))

    def _told(self, url: str, last: LastWord) -> dict[str, Any]:
        fields = {"schema": "trainadvisor/end/1", "failed": last.failed, **asdict(last)}
        return shaped(url, last.text(self._words), fields)

    def to_command(self, template: str) -> None:
        """Run a command for every alert; {code}, {step} and the other fields are filled in."""
        check_command(template)
        words = shlex.split(template)
        self._ways.append(("note", lambda alert: _run(_filled(words, alert))))

    def to_function(self, level: str, function: Callable[[Alert], object]) -> None:
        """Call a function for alerts of a level or a higher one."""
        if level not in LEVELS:
            message = f"on({level!r}, ...): must be one of {', '.join(LEVELS)}"
            raise UsageError(message)
        self._ways.append((level, function))

    def tell(self, finding: Finding, step: int) -> None:
        """Send a finding unless it was sent at this level; returns at once."""
        before = self._sent.get(finding.code)
        now = worst_severity(finding)
        if not self._ways or (before is not None and LEVELS.index(before) >= LEVELS.index(now)):
            return
        self._sent[finding.code] = now
        self._send(alert_of(finding, step, self._run))

    def _send(self, message: Alert | LastWord) -> None:
        if len(self._waiting) >= WAITING:
            self._complain("too many alerts wait")
            return
        with self._lock:
            self._waiting.append(message)
            self._idle.clear()
        self.resume()

    def resume(self) -> None:
        """Go on sending what waits: the thread does not come back by itself after a fork."""
        with self._lock:
            if not self._idle.is_set():
                self._thread.call()

    def _work(self) -> None:
        """Send until nothing waits."""
        while (message := self._next()) is not None:
            if isinstance(message, LastWord):
                for last_way in self._last_ways:
                    self._try(last_way, message)
                continue
            for level, way in self._ways:
                if LEVELS.index(message.severity) >= LEVELS.index(level):
                    self._try(way, message)

    def _next(self) -> Alert | LastWord | None:
        with self._lock:
            if self._waiting and not self._thread.leaving.is_set():
                return self._waiting.popleft()
            self._thread.away = True
            if not self._waiting:
                self._idle.set()
            return None

    def _try(self, way: Callable[[Any], object], message: Alert | LastWord) -> None:
        try:
            way(message)
        except Exception as error:  # noqa: BLE001 - an alert must not touch the training
            self._complain(f"{type(error).__name__}: {error}")

    def _complain(self, reason: str) -> None:
        """Say once that an alert did not arrive."""
        if not self._complained:
            self._complained = True
            self._voice.line(ours(self._words("alert.failed", reason=reason), self._words.lang))

    def _post(self, url: str, told: dict[str, Any]) -> None:
        data = json.dumps(told).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "trainadvisor"}
        request = urllib.request.Request(url, data, headers, method="POST")  # noqa: S310 - the scheme was checked
        with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310 - (the same)
            pass

    def heed(self, event: FindingEvent) -> None:
        """Send what a running judge has found."""
        if event.kind != "cleared":
            self.tell(event.finding, event.step)

    def finish(self, findings: Iterable[Finding], last: LastWord | None = None) -> None:
        """Send what only the end of the training has shown, then the last word, and close."""
        for finding in findings:
            if finding.severity != "note":
                self.tell(finding, 0 if last is None else last.steps)
        if last is not None and self._last_ways and (last.failed or self.notify_on == ALWAYS):
            self._send(last)
        self.close()

    def close(self, wait: float = LAST_WAIT) -> None:
        """Let the rest be sent, for some seconds at most."""
        for _ in range(math.ceil(wait / _LOOK)):  # counted, because a clock may jump
            if os.getpid() != self._pid:
                return
            self.resume()
            if self._idle.wait(_LOOK):
                return


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - the user's own command, without a shell
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    if done.returncode:
        message = f"{command[0]} exited with {done.returncode}"
        raise RuntimeError(message)


def _track(name: str, alert: Alert, words: Words) -> None:
    """Call the alert function of wandb or trackio, as the script has imported it."""
    tracker = sys.modules.get(name)
    run = getattr(tracker, "run", None) if name == "wandb" else tracker
    if run is None:
        message = f"{name} has no active run in this process"
        raise RuntimeError(message)
    text = f"{alert.sentence}\n{words('fix')}{words('colon')}{alert.fix}" if alert.fix else alert.sentence
    level = {"note": "INFO", "warning": "WARN", "error": "ERROR"}[alert.severity]
    levels = getattr(tracker, "AlertLevel", None)
    run.alert(title=alert.title(words), text=text, level=getattr(levels, level, level))
