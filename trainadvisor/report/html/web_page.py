"""A diagnosis as one web page that needs no network, works without scripts, and stays small."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from trainadvisor.judge.result import SCHEMA
from trainadvisor.report.html import charts as html_charts
from trainadvisor.report.html import heat_map, other_trainings, tables, timeline, verdict, verified_section
from trainadvisor.report.html.chart_specs import Spec, specs
from trainadvisor.report.html.finding_cards import Cards
from trainadvisor.report.html.languages import Languages
from trainadvisor.report.html.templates import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from trainadvisor.judge.result import Diagnosis

LARGEST = 1_000_000
MOST_NOTES = 20
SCRIPTS = ("uPlot.iife.min.js", "report.js")
STYLES = ("uPlot.min.css", "report.css")
NO_CURVES: dict[str, Any] = {
    "span": {"first": 0, "last": 0, "count": 0, "time": None},
    "series": {},
    "marks": {"nonfinite": [], "spikes": [], "lr": [], "epochs": [], "best": None, "events": []},
    "heat": {},
    "layers": {"fields": [], "rows": [], "count": 0},
    "source": "recorder",
    "end": None,
    "crash": None,
    "classes": None,
    "facts": [],
}
Rules = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Material:
    """What a page shows besides one diagnosis: the same in the other language, curves, and texts of the rules."""

    others: Mapping[str, Diagnosis] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=lambda: NO_CURVES)
    rules: Rules = field(default_factory=dict)
    # Curves of the other trainings of the process, by their place among its phases.
    trainings: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    # What stands before the verdict, such as the checks of a preflight.
    above: Callable[[Languages], Markup] | None = None


def render(diagnosis: Diagnosis, lang: str, material: Material | None = None) -> str:
    """Return the page; where it would be larger than a megabyte, with less in it."""
    page = ""
    for smaller in _ever_smaller(material or Material()):
        page = _render({lang: diagnosis, **{k: d for k, d in smaller.others.items() if k != lang}}, smaller)
        if len(page.encode()) <= LARGEST:
            break
    return page


def _ever_smaller(material: Material) -> Iterator[Material]:
    """Yield the material, then without most layers, without heat maps, without texts of rules, and bare."""
    curves = material.curves
    few = {**curves, "layers": {**curves["layers"], "rows": curves["layers"]["rows"][:200]}}
    yield material
    material = replace(material, trainings={})
    yield replace(material, curves=few)
    yield replace(material, curves={**few, "heat": {}})
    yield replace(material, curves={**few, "heat": {}}, rules={})
    yield Material(above=material.above)


def _render(diagnoses: Mapping[str, Diagnosis], material: Material) -> str:
    epochs = any(diagnosis.run.get("unit") == "epoch" for diagnosis in diagnoses.values())
    langs = Languages(diagnoses, epochs=epochs)
    first, curves = diagnoses[langs.default.lang], material.curves
    charts = specs(curves, first.run, langs)
    scripts = scripts_of(SCRIPTS)
    state = langs.default(f"state.{first.state}")
    return fill(
        "page.html",
        langs,
        title=f"{state} · {verdict.run_name(first.run)} · trainadvisor",
        digests=digests(scripts),
        style=stylesheet(),
        above=material.above(langs) if material.above else None,
        data=_packed(_payload(first, material, charts, langs)),
        scripts=scripts,
        tool=_tool(curves),
        **_upper(diagnoses, material, charts, langs),
        **_charts(curves, charts, langs),
        trainings=list(other_trainings.sections(first.run.get("phases", ()), material.trainings, langs)),
        **_lower(diagnoses, material, langs),
    )


def _upper(
    diagnoses: Mapping[str, Diagnosis], material: Material, charts: list[Spec], langs: Languages
) -> dict[str, Any]:
    """Return the verdict, the findings and when they were seen."""
    first, curves = diagnoses[langs.default.lang], material.curves
    cards = Cards(diagnoses, langs, material.rules, charts, curves["span"]).of(first.findings)
    return {
        "head": verdict.header(first, curves, langs),
        "banners": list(verdict.banners(first, curves, langs)),
        "verdict": verdict.verdict(diagnoses, cards, langs),
        "cards": [card for card in cards if card.kind != "expected"],
        "expected": [card for card in cards if card.kind == "expected"],
        "findings_title": "findings.gain" if first.state == "healthy" else "findings.heading",
        "verified": verified_section.section(diagnoses, langs),
        "timeline": timeline.timeline(first, curves, langs),
    }


def _charts(curves: dict[str, Any], charts: list[Spec], langs: Languages) -> dict[str, Any]:
    """Return the charts; none of them is shown where no step was recorded."""
    drawn = bool(curves["span"]["count"])
    return {
        "drawn": drawn,
        "charts": [html_charts.figure(spec, curves, langs) for spec in charts] if drawn else [],
        "heat": heat_map.heat(curves["heat"], langs),
        "classes": html_charts.classes(curves.get("classes"), langs),
    }


def _lower(diagnoses: Mapping[str, Diagnosis], material: Material, langs: Languages) -> dict[str, Any]:
    """Return the tables, the facts of the run, and where the numbers behind the page are."""
    first, curves = diagnoses[langs.default.lang], material.curves
    return {
        "layers": tables.layers(curves["layers"], langs),
        "checks": tables.checks(diagnoses, material.rules, langs),
        "facts": curves["facts"],
        "notes": first.notes[:MOST_NOTES],
        "log": first.run.get("log", "log.json"),
        "schema": SCHEMA,
    }


def _tool(curves: dict[str, Any]) -> str:
    return next((value for key, rows in curves["facts"] if key == "run" for name, value in rows if name == "tool"), "")


def stylesheet() -> Markup:
    """Return the sheets of styles that a page carries."""
    return Markup("\n").join(map(_static, STYLES))


def scripts_of(names: Iterable[str]) -> list[Markup]:
    """Return the scripts that a page carries."""
    return [_static(name) for name in names]


def digests(scripts: Iterable[Markup]) -> Markup:
    """Return what allows these scripts to run, and no other one."""
    return Markup(" ").join(Markup("'sha256-{}'").format(_digest(script)) for script in scripts)


@cache
def _static(name: str) -> Markup:
    text = Path(__file__).with_name("static").joinpath(name).read_text(encoding="utf-8")
    return Markup(text.strip())  # noqa: S704 - a file of ours


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _packed(payload: dict[str, Any]) -> Markup:
    """Return JSON as gzip in base64: no name in it can end the element it stands in."""
    document = json.dumps(payload, separators=(",", ":"), allow_nan=False).encode()
    return Markup(base64.b64encode(gzip.compress(document, 9, mtime=0)).decode("ascii"))  # noqa: S704 - base64


def _payload(diagnosis: Diagnosis, material: Material, charts: list[Spec], langs: Languages) -> dict[str, Any]:
    curves = material.curves
    shaded = [f for f in diagnosis.findings if f.onset is not None and f.severity != "note"]
    return {
        "span": curves["span"],
        "charts": [spec for spec in charts if spec["lines"]],
        "heat": curves["heat"],
        "layers": curves["layers"],
        "findings": [{"code": f.code, "severity": f.severity, "from": f.onset} for f in shaded],
        "diagnosis": json.loads(diagnosis.model_dump_json()),
        "texts": {words.lang: {key: words(key) for key in _SCRIPT_TEXTS} for words in langs.all},
    }


_SCRIPT_TEXTS = ("copy", "copied", "charts.step", "charts.seconds", "heat.nonfinite", "heat.absent", "layers.some")
