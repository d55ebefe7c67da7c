"""The top of the page: what run it is, what went wrong with the log itself, and the verdict with its first fix."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from trainadvisor.report.text import healthy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.report.html.finding_cards import Card
    from trainadvisor.report.html.languages import Languages, Told

MINUTE, LONG = 60, 7200
LINES = {"healthy", "cannot-tell"}


@dataclass(frozen=True)
class Head:
    """The name of the run, its state and its facts."""

    name: str
    state: str
    facts: list[tuple[str, str | Told]]


@dataclass(frozen=True)
class Banner:
    """What the reader has to know about the log itself."""

    text: Told
    kind: str = ""


@dataclass(frozen=True)
class Verdict:
    """One sentence, why, the first fix; figures where there is nothing to fix."""

    state: str
    sentence: Told
    top: Card | None
    figures: list[tuple[str, Told]]
    counts: Told


def header(diagnosis: Diagnosis, curves: dict[str, Any], langs: Languages) -> Head:
    """Return the name of the run, its state and its facts."""
    facts = [(key, value) for key, value in _facts(diagnosis.run, curves, langs) if value]
    return Head(run_name(diagnosis.run), diagnosis.state, facts)


def run_name(run: dict[str, Any]) -> str:
    """Return what to call a run: the folder of its log, or the log."""
    path = PurePath(str(run.get("log") or "log"))
    name = path.parent.name if path.name.startswith("log.") and path.parent.name else path.name
    return name[:80]


def _facts(run: dict[str, Any], curves: dict[str, Any], langs: Languages) -> Iterator[tuple[str, Any]]:
    yield "head.script", run.get("script")
    yield "head.steps", langs.each(lambda words: _steps(run, words))
    yield "head.duration", langs.each(lambda words: _duration(curves, words))
    yield "head.device", " ".join(dict.fromkeys(str(run[name]) for name in ("device", "device_name") if run.get(name)))
    yield "head.versions", ", ".join(f"{name} {run[name]}" for name in ("torch", "python") if run.get(name))
    yield "head.seed", run.get("seed") if run.get("seed") is None else str(run["seed"])
    yield "head.recorded", _moment(run.get("created"))
    yield "head.log", run.get("log")


def _moment(created: Any) -> str | None:
    """Return a date and a time with the zone in which they are meant; what cannot be read, as it is."""
    try:
        moment = datetime.fromisoformat(str(created))
    except ValueError:
        return None if created is None else str(created)
    zone = f" {moment.tzname()}" if moment.tzinfo else ""
    return f"{moment:%Y-%m-%d %H:%M}{zone}"


def _steps(run: dict[str, Any], words: Words) -> str:
    steps, planned = run.get("steps"), run.get("planned_steps")
    if steps is None:
        return ""
    if planned is None or planned <= steps:
        return words.number(steps)
    return words("head.of", steps=words.number(steps), planned=words.number(planned))


def _duration(curves: dict[str, Any], words: Words) -> str:
    clock = curves["span"]["time"]
    if not clock:
        return ""
    seconds = clock["y"][-1] or 0.0
    if seconds < MINUTE:
        return words("head.seconds", seconds=healthy.number(seconds))
    if seconds < LONG:
        return words("head.minutes", minutes=healthy.number(seconds / MINUTE))
    return words("head.hours", hours=healthy.number(seconds / 60 / MINUTE))


def banners(diagnosis: Diagnosis, curves: dict[str, Any], langs: Languages) -> Iterator[Banner]:
    """Yield what the reader has to know about the log itself."""
    if curves["crash"]:
        yield Banner(_crash(curves["crash"], curves["span"]["last"], langs), "crash")
    elif curves["source"] == "recorder" and curves["end"] is None and curves["span"]["count"]:
        yield Banner(langs.say("banner.open"))
    if curves["source"] != "recorder":
        yield Banner(_imported(diagnosis, curves["source"], langs))


def _crash(crash: dict[str, Any], last: int, langs: Languages) -> Told:
    error = ": ".join(part for part in (crash["type"], crash["message"]) if part)
    place = f" ({crash['place']})" if crash["place"] else ""
    return langs.each(lambda words: words("banner.crash", error=error + place, step=words.number(last)))


def _imported(diagnosis: Diagnosis, source: str, langs: Languages) -> Told:
    found = sum(1 + len(list(finding.consequences())) for finding in diagnosis.findings)
    every = len(diagnosis.unknown) + len(diagnosis.clear) + found
    count = sum(bool(item.missing) for item in diagnosis.unknown)
    return langs.say("banner.curves", source=source, count=count, all=every, command="trainadvisor run")


def verdict(diagnoses: Mapping[str, Diagnosis], cards: list[Card], langs: Languages) -> Verdict:
    """Return the verdict; `cards` are those of the findings in their order."""
    first = diagnoses[langs.default.lang]
    return Verdict(
        state=first.state,
        sentence=langs.each(lambda w: w(f"state.{first.state}") + w("colon") + diagnoses[w.lang].summary),
        top=next((card for card in cards if card.severity != "note"), None),
        figures=_figures(first, langs) if first.state in LINES else [],
        counts=langs.each(lambda words: _counts(first, words)),
    )


def _figures(diagnosis: Diagnosis, langs: Languages) -> list[tuple[str, Told]]:
    """Return the figures that say why a run is fine."""
    figures = ((key, _parts(diagnosis, key, langs)) for key in healthy.ROWS)
    return [(key, figure) for key, figure in figures if figure]


def _parts(diagnosis: Diagnosis, key: str, langs: Languages) -> Told:
    def told(words: Words) -> str:
        return words("clause").join(part for part in healthy.ROWS[key](words, diagnosis.run) if part)

    return langs.each(told)


def _counts(diagnosis: Diagnosis, words: Words) -> str:
    levels: list[str] = [finding.severity for finding in diagnosis.findings]
    followers = sum(len(list(finding.consequences())) for finding in diagnosis.findings)
    counts = [words.count("errors", levels.count("error")), words.count("warnings", levels.count("warning"))]
    counts += [words.count("notes.count", levels.count("note"))] if "note" in levels else []
    counts += [words.count("consequences", followers)] if followers else []
    counts += [words("clear", count=len(diagnosis.clear)), words("unknown", count=len(diagnosis.unknown))]
    return words("clause").join(counts)
