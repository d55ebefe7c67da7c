"""The lower half of the page: layers and checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.report.text.healthy import number, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis, Unknown
    from trainadvisor.report.html.languages import Languages, Told

FIRST_ROWS = 25
WORDS_IN_TABLE = ("name", "kind")


@dataclass(frozen=True)
class Cell:
    """A cell of the table of layers and how it looks."""

    text: str
    look: str = ""


@dataclass(frozen=True)
class Layers:
    """The first rows of the table; the script of the page has the rest."""

    fields: list[str]
    rows: list[list[Cell]]
    shown: Told
    more: int


@dataclass(frozen=True)
class Left:
    """Checks that were not made, and why, by language."""

    count: int
    reasons: dict[str, list[tuple[str, list[str]]]]


@dataclass(frozen=True)
class Checks:
    """What was checked and fine, what was not checked, and what does not apply to the training."""

    state: str
    clear: list[tuple[str, Told]]
    left: dict[str, Left]


def layers(table: dict[str, Any], langs: Languages) -> Layers:
    """Return the table of layers."""
    fields, every = table["fields"], table["rows"]
    rows = [[_cell(field, value) for field, value in zip(fields, row, strict=True)] for row in every[:FIRST_ROWS]]
    shown = langs.each(lambda words: words("layers.some", shown=len(rows), count=words.number(table["count"])))
    return Layers(fields, rows, shown, len(every) if len(every) > len(rows) else 0)


def _cell(field: str, value: Any) -> Cell:
    if field == "name":
        return Cell(value, "name")
    if value is None:
        return Cell("-" if field == "bad_step" else "n/a", "muted")
    if field in WORDS_IN_TABLE:
        return Cell(value)
    shown = share(value) if field == "dead" else f"{value:,}" if isinstance(value, int) else number(value)
    return Cell(shown, "number")


def checks(diagnoses: Mapping[str, Diagnosis], rules: dict[str, dict[str, Any]], langs: Languages) -> Checks:
    """Return what was checked and what was not."""
    first = diagnoses[langs.default.lang]
    return Checks(
        state=first.state,
        clear=[(code, _title(rules.get(code, {}), langs)) for code in first.clear],
        left={kind: _left(diagnoses, kind, langs) for kind in ("unknown", "inapplicable")},
    )


def _left(diagnoses: Mapping[str, Diagnosis], kind: str, langs: Languages) -> Left:
    reasons = {words.lang: _reasons(getattr(diagnoses[words.lang], kind), words) for words in langs.all}
    return Left(len(getattr(diagnoses[langs.default.lang], kind)), reasons)


def _title(rule: dict[str, Any], langs: Languages) -> Told:
    titles = rule.get("title", {})
    return langs.each(lambda words: titles.get(words.lang, ""))


def _reasons(checks: list[Unknown], words: Words) -> list[tuple[str, list[str]]]:
    """Return reasons with the checks that share each, the commonest first."""
    reasons: dict[str, list[str]] = {}
    for item in checks:
        how = item.how or words("comma").join(item.missing)
        reasons.setdefault(words("needs.text", text=how) if item.missing else how, []).append(item.code)
    return sorted(reasons.items(), key=lambda reason: -len(reason[1]))
