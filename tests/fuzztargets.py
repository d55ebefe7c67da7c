"""What is fuzzed: each target takes any bytes and may raise nothing; a replay of the corpus runs without atheris."""

from __future__ import annotations

import gzip
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor import settings
from trainadvisor.errors import ConfigError, LogError, RuleError
from trainadvisor.judge import conditions, rule_checks
from trainadvisor.judge.assembly import judge_log
from trainadvisor.judge.rulebook import load
from trainadvisor.log.curves import curves
from trainadvisor.log.growing import GrowingLog
from trainadvisor.log.reader import RunLog, read_log
from trainadvisor.report import formats
from trainadvisor.report.html import web_page

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
PACKED = b"\x1f\x8b"
PLACE = conditions.Place("rule.toml", "when[1]")
TYPES = {"loss": "number", "steps": "number", "fine": "truth", "kind": "word", "by_layer": "layers"}
VALUES: tuple[dict[str, Any], ...] = ({}, {"loss": 0.0, "steps": 10**6, "fine": True, "kind": "mse_loss"})


WORDS = (
    "loss",
    "steps",
    "fine",
    "kind",
    "by_layer",
    "1",
    "0.5",
    "1e308",
    "true",
    '"a"',
    "(",
    ")",
    ",",
    "and",
    "or",
    "not",
    "in",
    "<",
    "==",
    "+",
    "-",
    "*",
    "/",
    "min(",
    "log(",
    "nice(",
)

rulebook = cache(load)


class Folder:
    """A folder in which targets put their input; one for the whole process."""

    _made: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def file(cls, name: str, data: bytes) -> Path:
        """Write the input and return its path."""
        cls._made = cls._made or tempfile.TemporaryDirectory(prefix="fuzz-")
        path = Path(cls._made.name) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path


def _read(data: bytes) -> RunLog | None:
    """Read a log, packed when the bytes say so."""
    try:
        return read_log(Folder.file("log.json.gz" if data.startswith(PACKED) else "log.json", data))
    except LogError:
        return None


def reader(data: bytes) -> None:
    """Read a log; whatever it holds, its series fit together, and a look while it grows finds the same."""
    log = _read(data)
    if log is None:
        return
    assert len(log.steps) == len(log.column("loss")) == len(log.lr) == len(log.column("mode_eval"))
    assert log.layers.column("grad").ndim == log.layers.column("act_std").ndim == 2
    assert all(stage.start <= stage.stop for stage in log.stages)
    assert log.stages[-1].stop == log.all_steps_count or log.notes
    json.dumps([log.header, log.models, log.optimizers, log.losses, log.loaders, log.events, log.evals])
    if not data.startswith(PACKED):
        growing = GrowingLog(log.path)
        try:
            growing.grow()
        except LogError:
            return
        growing.snapshot()


def packed(data: bytes) -> None:
    """Read what is no sound archive, or an archive of what is no sound log."""
    _read(PACKED + data)
    _read(gzip.compress(data, 1))


def curve(data: bytes) -> None:
    """Draw whatever was read: the result is JSON without non-finite numbers."""
    log = _read(data)
    if log is not None:
        json.dumps(curves(log), allow_nan=False)


def verdict(data: bytes) -> None:
    """Judge whatever was read, and tell it in every form."""
    log = _read(data)
    if log is None:
        return
    english, chinese = (judge_log(log, rulebook(), lang) for lang in ("en", "zh"))
    for form in formats.DIAGNOSE:
        formats.render(form, english, book=rulebook()).encode()
    web_page.render(english, "en", web_page.Material({"zh": chinese}, curves(log))).encode()


def condition(data: bytes) -> None:
    """Parse any text as a condition: RuleError, or an expression that evaluates to its type or to unknown."""
    try:
        expression = conditions.parse(data.decode("utf-8", "replace"), PLACE, functions=True)
        kind = expression.check(TYPES)
    except RuleError:
        return
    wanted = {"number": (int, float), "truth": bool, "word": str}[kind]
    for values in VALUES:
        found = expression.evaluate(values.get)
        assert found is None or isinstance(found, wanted)


def rule(data: bytes) -> None:
    """Check any text as a rule file: problems are sentences."""
    path = Folder.file("rules/made-up.toml", data)
    assert all(str(path.parent) in problem for problem in rule_checks.check_rules([path.parent]))


def setting(data: bytes) -> None:
    """Read any text as settings: ConfigError, or what they say."""
    path = Folder.file("trainadvisor.toml", data)
    try:
        settings.flat(settings.read_toml(path), settings.Place(str(path), path))
    except ConfigError:
        return


TARGETS: dict[str, Callable[[bytes], None]] = {
    "reader": reader,
    "packed": packed,
    "curves": curve,
    "verdict": verdict,
    "conditions": condition,
    "rules": rule,
    "settings": setting,
}
