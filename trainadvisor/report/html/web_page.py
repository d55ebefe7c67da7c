"""A diagnosis as one web page that needs no network, works without scripts, and stays small."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass, field, replace
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from trainadvisor.report.html import charts as html_charts
from trainadvisor.report.html import tables, timeline, verdict, verified_section
from trainadvisor.report.html.chart_specs import Spec, specs
from trainadvisor.report.html.elements import HTML_LANG, Languages, Raw, h, join, text
from trainadvisor.report.html.finding_cards import Cards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trainadvisor.judge.result import Diagnosis

LARGEST = 1_000_000
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
    above: Callable[[Languages], Raw] | None = None
    """What stands before the verdict, such as the checks of a preflight."""


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
    yield replace(material, curves=few)
    yield replace(material, curves={**few, "heat": {}})
    yield replace(material, curves={**few, "heat": {}}, rules={})
    yield Material(above=material.above)


def _render(diagnoses: Mapping[str, Diagnosis], material: Material) -> str:
    langs = Languages(diagnoses)
    first = diagnoses[langs.default.lang]
    charts = specs(material.curves, first.run, langs)
    scripts = [_static(name) for name in SCRIPTS]
    template = Template(files("trainadvisor.report.html").joinpath("page.html").read_text(encoding="utf-8"))
    state = langs.default(f"state.{first.state}")
    return template.substitute(
        lang=HTML_LANG[langs.default.lang],
        title=text(f"{state} · {verdict.run_name(first.run)} · trainadvisor"),
        hashes=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
        style="\n".join(map(_static, STYLES)),
        body=_body(diagnoses, material, charts, langs),
        data=_packed(_payload(first, material, charts, langs)),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _static(name: str) -> str:
    return files("trainadvisor.report.html").joinpath("static", name).read_text(encoding="utf-8").strip()


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _packed(payload: dict[str, Any]) -> str:
    """Return JSON as gzip in base64: no name in it can end the element it stands in."""
    document = json.dumps(payload, separators=(",", ":"), allow_nan=False).encode()
    return base64.b64encode(gzip.compress(document, 9, mtime=0)).decode("ascii")


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


def _body(diagnoses: Mapping[str, Diagnosis], material: Material, charts: list[Spec], langs: Languages) -> Raw:
    first, curves = diagnoses[langs.default.lang], material.curves
    cards = Cards(diagnoses, langs, material.rules, charts, curves["span"])
    main = [
        material.above(langs) if material.above else None,
        *verdict.banners(first, curves, langs),
        verdict.verdict(diagnoses, cards, langs),
        timeline.section(first, curves, langs) if curves["span"]["count"] else None,
        html_charts.section(curves, charts, langs) if curves["span"]["count"] else None,
        *cards.sections(first),
        tables.layers(curves["layers"], langs),
        tables.checks(diagnoses, material.rules, langs),
        tables.facts(first, curves, langs),
        *verified_section.section(diagnoses, langs),
        tables.data(first, langs),
    ]
    skip = h("a", langs.say("page.skip"), href="#verdict", class_="skip")
    quiet = h("noscript", h("p", langs.say("page.noscript"), class_="banner"))
    return join(
        [
            skip,
            _switches(langs),
            verdict.header(first, curves, langs),
            quiet,
            h("main", *main),
            _footer(curves, langs),
        ]
    )


def _switches(langs: Languages) -> Raw:
    """Return the choice of language and theme; style sheets make both work without scripts."""
    names = {"en": "English", "zh": "中文"}
    languages = [_choice("lang", words.lang, names[words.lang], place) for place, words in enumerate(langs.all)]
    themes = [
        _choice("theme", theme, langs.say(f"page.{theme}"), place)
        for place, theme in enumerate(("auto", "light", "dark"))
    ]
    groups = [h("fieldset", h("legend", langs.say("page.theme")), *themes, class_="switch")]
    if len(languages) > 1:
        groups.insert(0, h("fieldset", h("legend", langs.say("page.language")), *languages, class_="switch"))
    return h("nav", *groups, class_="switches")


def _choice(group: str, value: str, label: str, place: int) -> Raw:
    return h(
        "label",
        h("input", type="radio", name=group, id=f"{group}-{value}", value=value, checked=not place, autocomplete="off"),
        label,
    )


def _footer(curves: dict[str, Any], langs: Languages) -> Raw:
    tool = next((value for key, rows in curves["facts"] if key == "run" for name, value in rows if name == "tool"), "")
    return h("footer", langs.say("page.made", tool=tool), class_="muted")
