"""Several runs on one page: a table, what each is against the first one, and their curves over each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.report.html import charts
from trainadvisor.report.html.chart_specs import across
from trainadvisor.report.html.languages import Languages, Told
from trainadvisor.report.html.templates import fill
from trainadvisor.report.html.web_page import digests, scripts_of, stylesheet
from trainadvisor.report.text import compared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trainadvisor.compare import Comparison
    from trainadvisor.judge.result import Diagnosis

# A row by its text and, where that is a metric of the script, by its name.
Key = tuple[str, str]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LONGEST_NAME = 60


@dataclass(frozen=True)
class Run:
    """A run: its name, what is said of it in each language, and its curves."""

    name: str
    diagnoses: Mapping[str, Diagnosis]
    curves: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A run in the table: its state, its first cause and its figures."""

    letter: str
    name: str
    state: str
    cause: Told | None
    cells: list[str]


@dataclass(frozen=True)
class Against:
    """What a run is against the first one."""

    letter: str
    verdict: Told
    changed: Told | None
    findings: list[tuple[str, list[str]]]


def render(runs: Sequence[Run], results: Sequence[Comparison], lang: str) -> str:
    """Return the page; each comparison is of the first run with one of the others, in their order."""
    langs = Languages([lang, *(other for other in runs[0].diagnoses if other != lang)])
    letters = LETTERS[: len(runs)]
    keys = list(dict.fromkeys((row.key, row.metric) for result in results for row in result.rows if row.step is None))
    span = {
        "first": min(run.curves["span"]["first"] for run in runs),
        "last": max(run.curves["span"]["last"] for run in runs),
    }
    drawn = {"span": span, "marks": {"nonfinite": []}}
    specs = across({letter: run.curves["series"] for letter, run in zip(letters, runs, strict=True)}, langs)
    return fill(
        "compare.html",
        langs,
        style=stylesheet(),
        digests=digests(scripts := scripts_of(["switches.js"])),
        scripts=scripts,
        heads=[langs.say(key, name=metric) for key, metric in keys],
        runs=[
            _line(letter, run, place, keys, results, langs)
            for place, (letter, run) in enumerate(zip(letters, runs, strict=True))
        ],
        others=[_against(letter, result, langs) for letter, result in zip(letters[1:], results, strict=True)],
        charts=[charts.figure(spec, drawn, langs, 1) for spec in specs],
    )


def _line(
    letter: str, run: Run, place: int, keys: Iterable[Key], results: Sequence[Comparison], langs: Languages
) -> Line:
    rows = {(row.key, row.metric): row for row in results[max(place - 1, 0)].rows}
    shown = [(rows.get(key), "b" if place else "a") for key in keys]
    first = run.diagnoses[langs.default.lang]
    cause = first.findings[0] if first.findings else None
    return Line(
        letter,
        run.name[-LONGEST_NAME:],
        first.state,
        langs.each(lambda words: run.diagnoses[words.lang].findings[0].title) if cause else None,
        [compared.shown(row, getattr(row, side)) if row else "n/a" for row, side in shown],
    )


def _against(letter: str, result: Comparison, langs: Languages) -> Against:
    def told(text: str) -> str:
        return compared.WITH_B.sub(letter, text)

    kinds = {"compare.fixed": result.fixed, "compare.kept": result.kept, "compare.new": result.new}
    return Against(
        letter,
        langs.each(lambda words: told(compared.verdict(words, result))),
        langs.each(lambda words: compared.changes(words, result)) if result.changed else None,
        [(key, list(codes)) for key, codes in kinds.items() if codes],
    )
