"""The lower half of the page: layers, checks, facts of the run, verified remedies and the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.judge.result import SCHEMA
from trainadvisor.report.html.elements import Languages, Raw, h
from trainadvisor.report.text.healthy import number, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainadvisor.judge.result import Diagnosis

FIRST_ROWS = 25
MOST_NOTES = 20
WORDS_IN_TABLE = ("name", "kind")


def layers(table: dict[str, Any], langs: Languages) -> Raw:
    """Return the table of layers, its first rows; the script of the page has the rest."""
    heading = h("h2", langs.say("layers.heading"), id="layers-heading")
    if not table["rows"]:
        return h(
            "section",
            heading,
            h("p", langs.say("layers.none", command="trainadvisor run"), class_="empty"),
            id="layers",
        )
    fields, rows = table["fields"], table["rows"][:FIRST_ROWS]
    head = h(
        "tr",
        *(
            h(
                "th",
                h("button", langs.say(f"layers.{field}"), type="button", class_="sort"),
                scope="col",
                data_field=field,
            )
            for field in fields
        ),
    )
    body = h(
        "tbody", *(h("tr", *(_cell(field, value) for field, value in zip(fields, row, strict=True))) for row in rows)
    )
    parts = [
        heading,
        h("p", langs.say("layers.order"), class_="muted"),
        _controls(table, langs),
        h("div", h("table", h("thead", head), body, id="layer-table"), class_="scroll"),
    ]
    return h("section", *parts, id="layers", aria_labelledby="layers-heading")


def _controls(table: dict[str, Any], langs: Languages) -> Raw:
    shown, count = min(len(table["rows"]), FIRST_ROWS), table["count"]
    label = h(
        "label",
        langs.say("layers.search"),
        " ",
        h("input", type="search", id="layer-search", autocomplete="off"),
        class_="live",
    )
    some = langs.each(lambda words: words("layers.some", shown=shown, count=words.number(count)))
    more = h("button", langs.say("layers.all", count=len(table["rows"])), type="button", id="layer-all", class_="live")
    return h(
        "div",
        label,
        h("span", some, id="layer-count", class_="muted"),
        *([more] if len(table["rows"]) > shown else []),
        class_="controls",
    )


def _cell(field: str, value: Any) -> Raw:
    if field == "name":
        return h("th", value, scope="row")
    if value is None:
        return h("td", "-" if field == "bad_step" else "n/a", class_="muted")
    if field in WORDS_IN_TABLE:
        return h("td", value)
    shown = share(value) if field == "dead" else f"{value:,}" if isinstance(value, int) else number(value)
    return h("td", shown, class_="number")


def checks(diagnoses: Mapping[str, Diagnosis], rules: dict[str, dict[str, Any]], langs: Languages) -> Raw:
    """Return what was checked and fine, open on a healthy run, and what was not checked and why."""
    first = diagnoses[langs.default.lang]
    parts = [h("h2", langs.say("checks.heading"), id="checks-heading")]
    if first.clear:
        rows = [_clear(code, rules.get(code, {}), langs) for code in first.clear]
        clear = h("summary", langs.say("checks.clear", count=len(first.clear)))
        parts.append(
            h(
                "details",
                clear,
                h("p", langs.say("checks.not"), class_="muted"),
                h("ul", *rows, class_="codes"),
                open=first.state == "healthy",
            )
        )
    if first.unknown:
        unknown = h("summary", langs.say("checks.unknown", count=len(first.unknown)))
        table = langs.each(lambda words: _unknown(diagnoses[words.lang], words), "div")
        parts.append(h("details", unknown, table, open=first.state == "cannot-tell"))
    return h("section", *parts, id="checks", aria_labelledby="checks-heading")


def _clear(code: str, rule: dict[str, Any], langs: Languages) -> Raw:
    titles = rule.get("title", {})
    title = langs.each(lambda words: titles.get(words.lang, ""))
    return h("li", h("code", code), " ", h("span", title, class_="muted"))


def _unknown(diagnosis: Diagnosis, words: Any) -> Raw:
    """Return a table of reasons and the checks that share each."""
    reasons: dict[str, list[str]] = {}
    for item in diagnosis.unknown:
        how = item.how or words("comma").join(item.missing)
        reasons.setdefault(words("needs.text", text=how) if item.missing else how, []).append(item.code)
    head = h("tr", *(h("th", words(key), scope="col") for key in ("checks.codes", "checks.reason")))
    ordered = sorted(reasons.items(), key=lambda reason: -len(reason[1]))
    rows = [h("tr", h("td", *(h("code", code, " ") for code in codes)), h("td", reason)) for reason, codes in ordered]
    return h("div", h("table", h("thead", head), h("tbody", *rows)), class_="scroll")


def facts(diagnosis: Diagnosis, curves: dict[str, Any], langs: Languages) -> Raw:
    """Return what the run was made of, section by section."""
    parts = [h("h2", langs.say("facts.heading"), id="facts-heading")]
    for key, rows in curves["facts"]:
        listed = h("dl", *(h("div", h("dt", name), h("dd", value)) for name, value in rows), class_="figures")
        parts.append(h("details", h("summary", langs.say(f"facts.{key}")), listed))
    if diagnosis.notes:
        parts.append(
            h(
                "details",
                h("summary", langs.say("facts.notes")),
                h("ul", *(h("li", note) for note in diagnosis.notes[:MOST_NOTES])),
                open=True,
            )
        )
    return h("section", *parts, id="facts", aria_labelledby="facts-heading")


def data(diagnosis: Diagnosis, langs: Languages) -> Raw:
    """Return where the numbers behind the page are."""
    button = h("button", langs.say("data.download"), type="button", id="download", class_="live")
    about = h("p", langs.say("data.about", log=diagnosis.run.get("log", "log.json")))
    schema = h("p", langs.say("data.schema", schema=SCHEMA), class_="muted")
    return h(
        "section",
        h("h2", langs.say("data.heading"), id="data-heading"),
        about,
        button,
        schema,
        id="data",
        aria_labelledby="data-heading",
    )
