"""What is fuzzed: each target takes any bytes and may raise nothing; a replay of the corpus runs without atheris."""

from __future__ import annotations

import contextlib
import copy
import gzip
import io
import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor import settings, telling
from trainadvisor.compare import compare
from trainadvisor.configuration import Config
from trainadvisor.errors import ConfigError, LogError, RuleError
from trainadvisor.gate.baseline import make
from trainadvisor.gate.decision import Policy, decide
from trainadvisor.i18n.language import Words
from trainadvisor.importers import foreign_logs as foreign
from trainadvisor.judge import conditions, rule_checks
from trainadvisor.judge.assembly import judge_log
from trainadvisor.judge.rule_loading import load
from trainadvisor.log.curves import curves
from trainadvisor.log.growing import GrowingLog
from trainadvisor.log.reader import RunLog, read_log
from trainadvisor.monitor.follow_log import Follower
from trainadvisor.report import formats
from trainadvisor.report.html import web_page
from trainadvisor.report.machine import gate_document
from trainadvisor.report.text import compared, follow_screen, gate_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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
    assert all(phase.start <= phase.stop for phase in log.phases)
    assert log.phases[-1].stop == log.all_steps_count or log.notes
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
    english, chinese = (telling.told(judge_log(log, rulebook()), lang) for lang in ("en", "zh"))
    for form in formats.DIAGNOSE:
        formats.render(form, english, book=rulebook()).encode()
    web_page.render(english, "en", web_page.Material({"zh": chinese}, curves(log))).encode()


@dataclass(frozen=True)
class Odd:
    """A field of a sound log, and what is put there."""

    log: str
    record: int
    path: tuple[Any, ...]
    value: Any

    def lines(self) -> bytes:
        """Return the log with the field changed."""
        records = list(sound(self.log))
        changed = holder = copy.deepcopy(records[self.record])
        for key in self.path[:-1]:
            holder = holder[key]
        holder[self.path[-1]] = self.value
        records[self.record] = changed
        return ("[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n").encode()


ODD_VALUES: tuple[Any, ...] = (None, True, -1, 1e308, "nan", "", "x" * 5000, [], {"a": []}, [[["x"]]])
LOGS = ("imported.json", "stages.json", "nan.json", "classifier.json")


@cache
def sound(name: str) -> tuple[dict[str, Any], ...]:
    """Return the records of a recorded log."""
    return tuple(json.loads((CORPUS / "reader" / name).read_bytes()))


def inner(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value inside another."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        yield from inner(item, (*path, key))


@cache
def places() -> tuple[tuple[str, int, tuple[Any, ...]], ...]:
    """Return each field of each kind of record once, whatever its place in a list."""
    found: dict[Any, tuple[str, int, tuple[Any, ...]]] = {}
    for name in LOGS:
        for number, record in enumerate(sound(name)):
            for path in inner(record):
                form = tuple("#" if isinstance(key, int) else key for key in path)
                found.setdefault((record.get("record"), record.get("kind"), form), (name, number, path))
    return tuple(found.values())


def fields(data: bytes) -> None:
    """Put odd values where the bytes say and tell what is left of the log in every form."""
    chosen = int.from_bytes(data[:3], "big")
    place, value = chosen // len(ODD_VALUES) % len(places()), chosen % len(ODD_VALUES)
    told(Odd(*places()[place], ODD_VALUES[value]).lines(), "zh" if chosen % 2 else "en")


def told(data: bytes, lang: str) -> list[str]:
    """Return what every command says of a log, in every form; nothing of what is none."""
    log = _read(data)
    if log is None:
        return []
    run = telling.told(judge_log(log, rulebook()), lang)
    assert not any(" failed: " in note for note in run.notes), run.notes
    decision, both = decide([run], Policy(), make([run])), compare(run, run)
    texts = [
        *(formats.render(form, run, lang, book=rulebook()) for form in formats.DIAGNOSE if form != "html"),
        web_page.render(run, lang, web_page.Material({lang: run}, curves(log))),
        *(gate_report.render(decision, Policy(), lang), gate_document.render(decision, 0)),
        *(compared.render(both, lang), compared.document(both)),
        *_followed(log.path, lang),
    ]
    assert all(isinstance(entry, str) for entry in texts)
    "".join(texts).encode()
    return texts


def _followed(path: Path, lang: str) -> Iterator[str]:
    stream = io.StringIO()
    follower = Follower(path, lang, Config(), patience=0, stream=stream, redraw=True)
    follower._over()
    yield stream.getvalue()
    yield follow_screen.status(follower._view, Words(lang))
    yield follow_screen.beat(follower._view, Words(lang))


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


def importers(data: bytes) -> None:
    """A file of another tool, or of none: it is read or refused, and what was read is judged."""
    with contextlib.suppress(LogError):
        assert judge_log(foreign.read_log(Folder.file("foreign", data)), rulebook()).summary


TARGETS: dict[str, Callable[[bytes], None]] = {
    "reader": reader,
    "packed": packed,
    "curves": curve,
    "verdict": verdict,
    "fields": fields,
    "conditions": condition,
    "rules": rule,
    "settings": setting,
    "importers": importers,
}
