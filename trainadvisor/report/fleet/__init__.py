"""A fleet of runs as text, JSON, Markdown and one web page."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

from trainadvisor.figures import spaced
from trainadvisor.fleet.regressions import BAD
from trainadvisor.i18n.language import Words
from trainadvisor.report.text.layout import cells, clean, pad

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.fleet.entry import Entry
    from trainadvisor.fleet.fleet_result import Fleet

FORMS = ("text", "json", "markdown", "html")
# Runs that a table on a terminal holds; the other forms hold all.
SHOWN = 40
LONGEST = 60
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em}"
    "table{border-collapse:collapse;margin:1em 0}td,th{border-bottom:1px solid #ccc;padding:.3em .8em;text-align:left}"
    "td:nth-child(n+3){font-variant-numeric:tabular-nums}"
)


def render(form: str, fleet: Fleet, lang: str) -> str:
    """Return a fleet in one of the forms."""
    if form == "json":
        return json.dumps(fleet.plain(), indent=1, ensure_ascii=False, allow_nan=False)
    return {"text": _text, "markdown": _markdown, "html": _html}[form](fleet, Words(lang))


def _summary(fleet: Fleet, words: Words) -> str:
    parts = [words("fleet.state", state=words(f"state.{state}"), count=n) for state, n in fleet.states.items()]
    if running := sum(entry.running for entry in fleet.runs):
        parts.append(words("fleet.running", count=running))
    return words.count("fleet.summary", len(fleet.runs)) + words("colon") + words("comma").join(parts)


def _remarks(fleet: Fleet, words: Words) -> Iterator[str]:
    for loss in fleet.losses[:10]:
        runs = words.count("fleet.summary", loss.runs)
        yield words("fleet.loss", code=loss.code, runs=runs, hours=f"{loss.hours:.2f}")
    for sweep in fleet.sweeps:
        for item in sweep.differences:
            typical = {"one": _short(item.typical_bad), "other": _short(item.typical_good)}
            values = {"setting": item.setting, "p": f"{item.p:.2g}", "bad": item.bad, "good": item.good, **typical}
            values["script"] = sweep.script
            key = "fleet.parted" if item.rule else "fleet.differs"
            yield words(key, rule=item.rule or "", **values)
    for worse in fleet.regressions:
        values = {"before": f"{worse.before:.4g}", "lately": f"{worse.lately:.4g}", "what": worse.what}
        if worse.what == BAD:
            values = {"before": spaced(f"{worse.before:.0%}"), "lately": spaced(f"{worse.lately:.0%}")}
        key = "fleet.worse.bad" if worse.what == BAD else "fleet.worse.metric"
        counts = {"many": worse.runs_before, "few": worse.runs_lately}
        yield words(key, script=worse.script, p=f"{worse.p:.2g}", **values, **counts)
    for group in fleet.duplicates[:10]:
        yield words("fleet.same", names=words("comma").join(group[:5]), count=len(group))
    if fleet.others:
        yield words.count("fleet.others", fleet.others)


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _row(entry: Entry, words: Words) -> tuple[str, ...]:
    state = words(f"state.{entry.state}")
    if entry.running:
        state = words("fleet.still", state=state)
    metric = f"{entry.metric} {entry.value:.4g}" if entry.metric and entry.value is not None else ""
    cost = f"{entry.hours:.2f} h" if entry.hours >= 0.1 else f"{entry.seconds * entry.devices:.0f} s"  # noqa: PLR2004
    return (
        state,
        entry.cause or entry.doubt or clean(entry.error, LONGEST),
        metric,
        cost,
        str(entry.steps),
        clean(entry.address, 120),
    )


def _head(words: Words) -> tuple[str, ...]:
    return tuple(words(f"fleet.column.{name}") for name in ("state", "cause", "metric", "cost", "steps", "run"))


def _text(fleet: Fleet, words: Words) -> str:
    rows = [_head(words), *(_row(entry, words) for entry in fleet.runs[:SHOWN])]
    widths = [max(cells(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
    lines = [_summary(fleet, words), ""]
    lines += ["  ".join([*(pad(text, size) for text, size in zip(row, widths, strict=False)), row[-1]]) for row in rows]
    if len(fleet.runs) > SHOWN:
        lines.append(words("fleet.more", count=len(fleet.runs) - SHOWN))
    remarks = [clean(text, 400) for text in _remarks(fleet, words)]
    return "\n".join([*lines, *([""] if remarks else []), *remarks])


def _markdown(fleet: Fleet, words: Words) -> str:
    def line(row: tuple[str, ...]) -> str:
        return "| " + " | ".join(text.replace("|", "\\|") for text in row) + " |"

    head = _head(words)
    lines = [f"## {_summary(fleet, words)}", "", line(head), line(("---",) * len(head))]
    lines += [line(_row(entry, words)) for entry in fleet.runs]
    return "\n".join([*lines, "", *(f"* {clean(text, 400)}" for text in _remarks(fleet, words))])


def _html(fleet: Fleet, words: Words) -> str:
    def row(texts: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts) + "</tr>"

    title = html.escape(_summary(fleet, words))
    remarks = "".join(f"<li>{html.escape(clean(text, 400))}</li>" for text in _remarks(fleet, words))
    body = "".join(row(_row(entry, words), "td") for entry in fleet.runs)
    return (
        f'<!doctype html>\n<html lang="{words.lang}"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1><ul>{remarks}</ul>"
        f"<table><thead>{row(_head(words), 'th')}</thead><tbody>{body}</tbody></table></body></html>\n"
    )
