"""Whole web pages against golden files: their elements, without style and script, and the data in them.

To approve a change, delete the golden file, run the test twice and read the difference.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from goldenfiles import LOGS, hold
from report.varied import attention, doubtful, rich

from trainadvisor.log.curves import curves
from trainadvisor.log.reader import read_log
from trainadvisor.preflight.preflight_result import Preflight
from trainadvisor.report.html import preflight_page, svg, web_page
from trainadvisor.report.html.web_page import Material
from trainadvisor.report.machine import preflight_documents
from trainadvisor.report.text import preflight_screen

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis

PARTS = re.compile(r"(<style>|<script[^>]*>)(.*?)(</style>|</script>)", re.DOTALL)
SHA = re.compile(r"sha256-[A-Za-z0-9+/=]+")
DATA = re.compile(r'id="data-embedded">([A-Za-z0-9+/=]+)<')
RULES = {
    "lr-too-high": {"title": {"en": "Rate", "zh": "学习率"}, "doc": {"en": "It is.\n\nHigh.", "zh": "过高"}},
    "dead-relu": {"title": {"en": "Silent units", "zh": "沉默"}, "doc": {}},
}


def elements(page: str) -> str:
    """Return a page without style and script, an element a line."""
    bare = PARTS.sub(r"\1\3", SHA.sub("sha256", page))
    return re.sub(r">\s*<", ">\n<", bare) + "\n"


def data(page: str) -> str:
    """Return what the script of a page is given, a list or a field a line."""
    (found,) = DATA.findall(page)
    packed: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found)))
    del packed["diagnosis"]
    shown = json.dumps(packed, ensure_ascii=False, separators=(", ", ": "))
    return re.sub(r"(?<=[\]}], )(?=[\[{\"])", "\n", shown) + "\n"


def in_chinese(diagnosis: Diagnosis) -> Diagnosis:
    """Return the same diagnosis with other words in it."""
    told = diagnosis.model_copy(update={"summary": "训练失败。", "lang": "zh"}, deep=True)
    for finding in told.findings:
        finding.title, finding.sentence = f"标题 {finding.code}", f"发现 {finding.code}"
    return told


@pytest.mark.parametrize("kind", ["html", "json"])
@pytest.mark.parametrize(
    ("name", "made"),
    [("overflowed", rich), ("stopped-early", attention), ("stalled", doubtful), ("divided", attention)],
)
def test_a_page_about_a_recorded_training(name: str, made: Any, kind: str) -> None:
    """Charts, maps, layers and the strip of time, in both languages; and the same for the script of the page."""
    log = read_log(LOGS / f"{name}.json.gz")
    diagnosis = made()
    page = web_page.render(diagnosis, "en", Material({"zh": in_chinese(diagnosis)}, curves(log), RULES))
    hold(f"page/{name}.{kind}", elements(page) if kind == "html" else data(page))


def test_a_page_without_a_log(healthy: Diagnosis) -> None:
    """There is nothing to draw; the verdict and the figures stay."""
    hold("page/bare.zh.html", elements(web_page.render(healthy, "zh")))


def course(state: str, **more: Any) -> Preflight:
    """Return a preflight with checks of every state."""
    checks: list[dict[str, Any]] = [
        {"name": "data", "state": "passed", "sentence": "the inputs are finite | all"},
        {"name": "wiring", "state": "failed", "severity": "error", "sentence": "the loss compares <all> pairs of a "
         "batch with each other, which is not what was meant", "findings": ["lr-too-high", "slow-start"]},
        {"name": "throughput", "state": "failed", "severity": "warning", "sentence": "slow\nly"},
        {"name": "learning-rate", "state": "not-judged", "sentence": "no range test"},
    ]  # fmt: skip
    return Preflight.model_validate({
        "outcome": state, "summary": "one check fails.", "script": "train.py", "argv": ["--a"], "steps": 20,
        "seconds": 12.3456, "budget": 60.0, "checks": checks, "notes": ["one"], **more,
    })  # fmt: skip


def rates() -> dict[str, Any]:
    """Return a range test with the three lines."""
    grid = [1e-5 * 10 ** (n / 4) for n in range(25)]
    losses = [2.0 - 0.05 * n if n < 18 else 1.1 * 1.5 ** (n - 17) for n in range(25)]
    smooth = [0.9 * loss + 0.1 for loss in losses]
    curve = {"rates": grid, "losses": losses, "smooth": smooth}
    return {"own": 1e-4, "suggestion": 2e-2, "steepest": 3e-2, "lowest": 0.2, "divergence": 0.5, "curve": curve}


PREFLIGHTS: list[tuple[str, dict[str, Any]]] = [
    ("fail", {"diagnosis": rich(), "learning_rate": rates()}),
    ("pass", {"learning_rate": {**rates(), "suggestion": None, "own": 1e-9, "divergence": 20.0}}),
    ("undecided", {"diagnosis": attention()}),
]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("state", "more"), PREFLIGHTS)
def test_a_preflight(state: str, more: dict[str, Any], lang: str) -> None:
    """The screen, the forms for programs, and the page above the report."""
    result = course(state, **more)
    narrow = preflight_screen.render(result, lang, fail_on="warning", code=1, width=60)
    wide = preflight_screen.render(result, lang, fail_on="error", code=0, color=True).replace("\x1b", "\\e")
    forms = [preflight_documents.FORMS[form](result, lang) for form in ("markdown", "junit")]
    page = elements(preflight_page.render(result, lang, Material()))
    hold(f"page/preflight.{state}.{lang}.txt", "\n".join([narrow, wide, *forms, page]) + "\n")


def test_maps_in_every_color() -> None:
    """From the lowest to the highest value, on both scales, with what is absent, lost or out of range."""
    cells = [None, "nan", 0.0, -1.0, 1e-9, *(0.1 * n for n in range(1, 13)), 1e3]
    shades = [
        [svg.shade(cell, low, 1.0, log=log) for cell in cells] for low, log in ((0.1, True), (0.0, False), (1.0, True))
    ]
    hold("page/shades.json", json.dumps(shades, indent=None).replace("], [", "],\n[") + "\n")
