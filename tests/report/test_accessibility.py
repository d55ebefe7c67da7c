"""The page for other eyes, hands and screens: axe finds nothing serious, and nothing sticks out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log
from report.browser import browser
from report.test_html_browser import WAIT, page_of, recorded
from report.test_page_renderings import in_chinese
from report.varied import rich

from trainadvisor.cli import main
from trainadvisor.log.curves import curves
from trainadvisor.log.reader import read_log
from trainadvisor.report.html import web_page

if TYPE_CHECKING:
    from collections.abc import Iterator

AXE = Path(__file__).parents[2] / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = ("none", "one", "ten", "compared")
WIDTHS = (1400, 768, 375)
LOOKS = [(lang, theme) for lang in ("en", "zh") for theme in ("light", "dark")]
FALLING = [0.1 + 2.2 * math.exp(-step / 60) for step in range(300)]
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ["violations"] }).then(
  found => done(found.violations.map(v => [v.impact, v.id, v.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])),
  error => done([["critical", String(error), []]]));
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests of this module."""
    with browser(tmp_path_factory.mktemp("profile")) as started:
        started.set_script_timeout(60)
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A healthy run, one with a single cause, one with ten findings, and a comparison of runs."""
    folder = tmp_path_factory.mktemp("pages")
    for name in PAGES:
        (folder / name).mkdir()
    healthy, lost = recorded(folder / "none", FALLING), recorded(folder / "one", [*FALLING[:200], *["nan"] * 100])
    ten, both = rich(), folder / "compared" / "page.html"
    material = web_page.Material({"zh": in_chinese(ten)}, curves(read_log(healthy)))
    (folder / "ten" / "page.html").write_text(web_page.render(ten, "en", material), encoding="utf-8")
    third = build_log(folder / "compared", columns={"loss": FALLING, "lr": 0.1}, end={})
    with pytest.raises(SystemExit) as left:
        main(["compare", str(lost), str(healthy), str(third), "--html", str(both)])
    assert not left.value.code
    return {"none": page_of(healthy), "one": page_of(lost), "ten": folder / "ten" / "page.html", "compared": both}


def opened(window: Any, page: Path, width: int) -> Any:
    """Open a page in a window of some width, with all that can be opened open."""
    from selenium.webdriver.support.ui import WebDriverWait

    screen = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    window.get("about:blank")
    window.get(page.as_uri())
    if "data-embedded" in page.read_text(encoding="utf-8"):
        WebDriverWait(window, 20).until(lambda w: w.execute_script(WAIT))
    window.execute_script("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    return window


def choose(window: Any, lang: str, theme: str) -> None:
    """Choose a language and a theme as a reader would."""
    for name in (f"lang-{lang}", f"theme-{theme}"):
        window.execute_script("document.getElementById(arguments[0]).click()", name)


def test_the_address_of_a_comparison_keeps_language_and_theme(window: Any, pages: dict[str, Path]) -> None:
    """A colleague opens the same view, as on the page of one run."""
    window.get("about:blank")
    window.get(pages["compared"].as_uri() + "#lang=zh&theme=dark")
    shown = "return [document.documentElement.lang, document.querySelector('h2').innerText, location.hash]"
    assert window.execute_script(shown) == ["zh-CN", "各次训练", "#lang=zh&theme=dark"]
    choose(window, "en", "dark")
    assert window.execute_script(shown) == ["en", "Runs", "#theme=dark"]
    choose(window, "en", "auto")
    assert window.execute_script(shown) == ["en", "Runs", ""]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out(window: Any, pages: dict[str, Path], name: str, width: int) -> None:
    """In neither language is a page wider than its window; what is wide scrolls by itself."""
    opened(window, pages[name], width)
    for lang in ("en", "zh"):
        choose(window, lang, "light")
        assert window.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core here: npm install --prefix build/axe axe-core")
@pytest.mark.parametrize("width", [1400, 375])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(window: Any, pages: dict[str, Path], name: str, width: int) -> None:
    """In both languages and both themes: names of controls, contrast, order of headings, tables, landmarks."""
    opened(window, pages[name], width).execute_script(AXE.read_text(encoding="utf-8"))
    found = {}
    for lang, theme in LOOKS:
        choose(window, lang, theme)
        found[lang, theme] = [each for each in window.execute_async_script(RUN) if each[0] in ("serious", "critical")]
    assert found == {look: [] for look in LOOKS}
