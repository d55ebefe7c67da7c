"""What a preflight shows: the screen, the forms for programs, the web page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from preflightkit import GRID, SUM, Given, fly, swept

from trainadvisor.preflight.preflight_result import Preflight, json_schema
from trainadvisor.report.html import preflight_page
from trainadvisor.report.html.web_page import Material
from trainadvisor.report.machine import preflight_documents
from trainadvisor.report.text import preflight_screen
from trainadvisor.report.text.layout import cells

if TYPE_CHECKING:
    from pathlib import Path

SLOW = list(np.linspace(1.0, 0.97, 60))


@pytest.fixture(params=["en", "zh"])
def lang(request: pytest.FixtureRequest) -> str:
    """Return each language."""
    return str(request.param)


def healthy(folder: Path, lang: str = "en") -> Preflight:
    """Return the result of a healthy script with a range test."""
    natural = {"columns": {"loss": SLOW, "lr": 0.5, "loss_id": 0}}
    logs = {"one_batch": np.geomspace(1.0, 0.01, 100), "lr_range": swept(1 - 0.9 / (1 + (1e-2 / GRID) ** 2))}
    return fly(Given(folder, natural=natural, **logs), lang=lang)


def broken(folder: Path, lang: str = "en") -> Preflight:
    """Return the result of a script whose loss compares all pairs."""
    return fly(Given(folder, natural={"columns": {"loss": SLOW, "lr": 0.01, "loss_id": 0}, "losses": [SUM]}), lang=lang)


def test_the_screen_begins_with_the_verdict_and_ends_with_the_code(tmp_path: Path) -> None:
    """Between them a line for each check, and what fails with its fix."""
    lines = preflight_screen.render(broken(tmp_path), "en", fail_on="error", code=1).splitlines()
    assert lines[0].startswith("FAIL: ")
    assert any(line.startswith("  error       wiring         ") for line in lines)
    assert any(line.startswith("error[loss-shape-broadcast]") for line in lines)
    assert lines[-1].endswith("fails on: errors (exit 1)")


def test_no_line_is_wider_than_the_terminal(tmp_path: Path, lang: str) -> None:
    """Also with wide characters."""
    screen = preflight_screen.render(healthy(tmp_path, lang), lang, fail_on="error", code=0, width=80)
    assert max(map(cells, screen.splitlines())) <= 80


def test_json_is_what_the_schema_says(tmp_path: Path) -> None:
    """The document names its schema, and reads back as the same result."""
    result = healthy(tmp_path)
    document = json.loads(preflight_documents.as_json(result, "en"))
    assert document["schema"] == "trainadvisor/preflight/1"
    assert Preflight.model_validate(document).model_dump() == result.model_dump()
    assert set(document) <= set(json_schema()["properties"])


def test_junit_has_a_case_for_each_check(tmp_path: Path) -> None:
    """Failed checks are failures, those that were not judged are skipped."""
    result = broken(tmp_path)
    suite = next(ET.fromstring(preflight_documents.junit(result, "en").split("\n", 1)[1]).iter("testsuite"))  # noqa: S314 - ours
    states = {case.get("name"): [part.tag for part in case] for case in suite}
    assert states["wiring"] == ["failure"]
    assert states["one-batch"] == ["skipped"]
    assert states["start"] == []
    assert suite.get("failures") == "1"


def test_markdown_is_one_table(tmp_path: Path, lang: str) -> None:
    """A row for each check; nothing in a sentence breaks the table."""
    result = healthy(tmp_path, lang)
    rows = [line for line in preflight_documents.markdown(result, lang).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(result.checks)
    assert {row.replace("\\|", "").count("|") for row in rows} == {4}


def test_the_page_shows_the_range_test(tmp_path: Path, lang: str) -> None:
    """A picture with the suggestion and the rate of the script, and no JavaScript."""
    result = healthy(tmp_path, lang)
    html = preflight_page.render(result, lang, Material())
    picture = html[html.index('id="chart-range-test"') : html.index("</figure>")]
    assert picture.count("<polyline") == 2
    assert ("HEALTHY" if lang == "en" else "正常") in html[: html.index("</header>")]
    assert {"en": ("suggested", "script 0.5"), "zh": ("建议", "脚本 0.5")}[lang][1] in picture


def test_the_page_of_a_script_without_a_range_test_has_no_picture(tmp_path: Path) -> None:
    """Only the checks."""
    html = preflight_page.render(broken(tmp_path), "en", Material())
    assert 'id="preflight"' in html
    assert "chart-range-test" not in html
