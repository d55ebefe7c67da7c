"""The top of the page: what run it is, what went wrong with the log itself, and the verdict with its first fix."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from trainadvisor.report.html.elements import Languages, Raw, Texts, h, join
from trainadvisor.report.text import healthy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.report.html.finding_cards import Cards

MINUTE, LONG = 60, 7200
LINES = {"healthy", "cannot-tell"}


def header(diagnosis: Diagnosis, curves: dict[str, Any], langs: Languages) -> Raw:
    """Return the name of the run, its state and its facts."""
    run = diagnosis.run
    facts = [(key, value) for key, value in _facts(run, curves, langs) if value]
    listed = h("dl", *(h("div", h("dt", langs.say(key)), h("dd", value)) for key, value in facts), class_="facts")
    return h(
        "header",
        h(
            "h1",
            run_name(run),
            " ",
            h("span", langs.say(f"state.{diagnosis.state}"), class_=f"state {diagnosis.state}"),
        ),
        listed,
    )


def run_name(run: dict[str, Any]) -> str:
    """Return what to call a run: the folder of its log, or the log."""
    path = PurePath(str(run.get("log") or "log"))
    name = path.parent.name if path.name.startswith("log.") and path.parent.name else path.name
    return name[:80]


def _facts(run: dict[str, Any], curves: dict[str, Any], langs: Languages) -> Iterator[tuple[str, object]]:
    yield "head.script", run.get("script")
    yield "head.steps", langs.each(lambda words: _steps(run, words))
    yield "head.duration", langs.each(lambda words: _duration(curves, words))
    yield "head.device", " ".join(dict.fromkeys(str(run[name]) for name in ("device", "device_name") if run.get(name)))
    yield "head.versions", ", ".join(f"{name} {run[name]}" for name in ("torch", "python") if run.get(name))
    yield "head.seed", run.get("seed") if run.get("seed") is None else str(run["seed"])
    yield "head.recorded", run.get("created")
    yield "head.log", run.get("log")


def _steps(run: dict[str, Any], words: Texts) -> str:
    steps, planned = run.get("steps"), run.get("planned_steps")
    if steps is None:
        return ""
    if planned is None or planned <= steps:
        return words.number(steps)
    return words("head.of", steps=words.number(steps), planned=words.number(planned))


def _duration(curves: dict[str, Any], words: Texts) -> str:
    clock = curves["span"]["time"]
    if not clock:
        return ""
    seconds = clock["y"][-1] or 0.0
    if seconds < MINUTE:
        return words("head.seconds", seconds=healthy.number(seconds))
    if seconds < LONG:
        return words("head.minutes", minutes=healthy.number(seconds / MINUTE))
    return words("head.hours", hours=healthy.number(seconds / 60 / MINUTE))


def banners(diagnosis: Diagnosis, curves: dict[str, Any], langs: Languages) -> Iterator[Raw]:
    """Yield what the reader has to know about the log itself."""
    crash = curves["crash"]
    if crash:
        error = ": ".join(part for part in (crash["type"], crash["message"]) if part)
        place = f" ({crash['place']})" if crash["place"] else ""
        last = curves["span"]["last"]
        yield _banner(langs, lambda words: words("banner.crash", error=error + place, step=words.number(last)), "crash")
    elif curves["source"] == "recorder" and curves["end"] is None and curves["span"]["count"]:
        yield _banner(langs, lambda words: words("banner.open"))
    if curves["source"] != "recorder":
        count = sum(bool(item.missing) for item in diagnosis.unknown)
        every = (
            len(diagnosis.unknown)
            + len(diagnosis.clear)
            + sum(1 + len(list(f.consequences())) for f in diagnosis.findings)
        )
        yield _banner(
            langs,
            lambda words: words(
                "banner.curves", source=curves["source"], count=count, all=every, command="trainadvisor run"
            ),
        )


def _banner(langs: Languages, make: Callable[[Texts], str], kind: str = "") -> Raw:
    return h("p", langs.each(make), class_=f"banner {kind}".strip(), role="note")


def verdict(diagnoses: Mapping[str, Diagnosis], cards: Cards, langs: Languages) -> Raw:
    """Return the card of the verdict: one sentence, why, the first fix."""
    first = diagnoses[langs.default.lang]
    sentence = langs.each(lambda words: words(f"state.{first.state}") + words("colon") + diagnoses[words.lang].summary)
    parts = [h("h2", sentence, id="verdict-heading"), *_why(first, cards, langs)]
    if first.state in LINES:
        parts += _figures(first, langs)
    parts.append(h("p", langs.each(lambda words: _counts(first, words)), class_="muted"))
    return h(
        "section", *parts, id="verdict", class_=f"verdict {first.state}", aria_labelledby="verdict-heading", tabindex=-1
    )


def _why(diagnosis: Diagnosis, cards: Cards, langs: Languages) -> Iterator[Raw]:
    alarming = [finding for finding in diagnosis.findings if finding.severity != "note"]
    if not alarming:
        return
    top = alarming[0]
    confidence = langs.each(lambda words: words("confidence", word=words(f"confidence.{top.confidence}")))
    yield h(
        "p",
        cards.each(top, lambda f, _: f.sentence),
        " ",
        h("a", top.code, href=f"#{top.code}"),
        " ",
        h("span", confidence, class_="muted"),
    )
    if top.remedies:
        yield join([h("h3", langs.say("verdict.fix")), cards.remedy(top, 0, "div")])


def _figures(diagnosis: Diagnosis, langs: Languages) -> Iterator[Raw]:
    """Yield the figures that say why a run is fine."""
    rows = [
        h("div", h("dt", langs.say(key)), h("dd", _parts(diagnosis, key, langs)))
        for key in healthy.ROWS
        if _parts(diagnosis, key, langs)
    ]
    if rows:
        if diagnosis.state == "healthy":
            yield h("h3", langs.say("verdict.fine"))
        yield h("dl", *rows, class_="figures")


def _parts(diagnosis: Diagnosis, key: str, langs: Languages) -> Raw:
    def told(words: Texts) -> str:
        return words("clause").join(part for part in healthy.ROWS[key](words, diagnosis.run) if part)

    return langs.each(told)


def _counts(diagnosis: Diagnosis, words: Texts) -> str:
    levels: list[str] = [finding.severity for finding in diagnosis.findings]
    followers = sum(len(list(finding.consequences())) for finding in diagnosis.findings)
    counts = [words.count("errors", levels.count("error")), words.count("warnings", levels.count("warning"))]
    counts += [words.count("notes.count", levels.count("note"))] if "note" in levels else []
    counts += [words.count("consequences", followers)] if followers else []
    counts += [words("clear", count=len(diagnosis.clear)), words("unknown", count=len(diagnosis.unknown))]
    return words("clause").join(counts)
