"""The web page in a real browser: nothing fetched, nothing complained about, everything drawn and within reach."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log, event, make_loss, make_model, make_optimizer
from report.browser import browser, complaints, fetched

from trainadvisor.cli import main
from trainadvisor.report.html import templates, web_page
from trainadvisor.report.html.finding_cards import marked
from trainadvisor.report.html.languages import Languages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STEPS = 300
HOSTILE = "</script><img src=x onerror=alert(1)><b>"
WAIT = "return document.documentElement.dataset.ready === 'yes'"
INK = """
const inked = canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size > 3;
};
return [...document.querySelectorAll(".plot canvas, canvas#heat")].filter(c => c.width > 50).map(inked);
"""


def page_of(log: Path, lang: str = "en") -> Path:
    """Judge a log with the command and return the page it wrote."""
    page = log.with_suffix(".html")
    with pytest.raises(SystemExit) as left:
        main(["diagnose", str(log), "-q", "--lang", lang, "--html", str(page)])
    assert not left.value.code
    return page


def recorded(folder: Path, loss: list[Any], **more: Any) -> Path:
    """Write a log with every kind of record in it."""
    model = make_model((HOSTILE, "Linear", 64, 32), ("hidden", "Linear", 32, 10))
    ids = [parameter["id"] for parameter in model["parameters"]]
    table = event(
        "table", {"id": 1, "model": 0, "rows": [{"name": "hidden", "kind": "linear", "layer": "hidden", "units": 10}]}
    )
    layers = [
        {
            "step": step,
            "grad": [0.1, 0.01, 0.2, 0.02],
            "update": [1e-3, 2e-3, 3e-3, 4e-3],
            "table": 1,
            "act_std": [1.0 + step],
            "act_dead": [0.1],
        }
        for step in range(0, STEPS, 10)
    ]
    columns = {
        "loss": loss,
        "lr": 0.1,
        "grad_norm": 1.5,
        "seconds": 0.01,
        "wait": 0.001,
        "memory": 100.0,
        "epoch": [i // 100 for i in range(STEPS)],
    }
    evals = [
        {"step": 100 * n, "epoch": n - 1, "loss": 1.0 / n, "losses": {}, "metrics": {"accuracy": 0.3 * n}}
        for n in (1, 2, 3)
    ]
    target = {"histogram": [50, 30, 20], "classes": 3}
    parts = {
        "models": [model],
        "optimizers": [make_optimizer(parameters=ids)],
        "losses": [make_loss(target=target)],
        **more,
    }
    return build_log(folder, columns=columns, layers=layers, evals=evals, events=[table], end={}, **parts)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests of this module."""
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A broken run, a healthy one, and one imported from a table."""
    folder = tmp_path_factory.mktemp("pages")
    falling = [0.1 + 2.2 * math.exp(-step / 60) for step in range(STEPS)]
    names = {name: folder / name for name in ("broken", "healthy", "imported")}
    for path in names.values():
        path.mkdir()
    curve = {
        "columns": {"loss": falling, "lr": 0.1},
        "evals": [{"step": 300, "loss": 0.2, "losses": {}, "metrics": {}}],
    }
    return {
        "broken": page_of(recorded(names["broken"], [*falling[:200], *["nan"] * 100])),
        "healthy": page_of(recorded(names["healthy"], falling)),
        "imported": page_of(build_log(names["imported"], **curve, end={}, source="import:csv")),
    }


@pytest.fixture
def visit(window: Any, pages: dict[str, Path]) -> Callable[..., Any]:
    """Return a function that opens a page and waits until it is drawn."""

    def opened(name: str, fragment: str = "") -> Any:
        from selenium.webdriver.support.ui import WebDriverWait

        window.get("about:blank")
        complaints(window)
        fetched(window)
        window.get(pages[name].as_uri() + fragment)
        WebDriverWait(window, 20).until(lambda w: w.execute_script(WAIT))
        return window

    return opened


def visible(window: Any, selector: str) -> list[str]:
    """Return the texts of the elements that are shown."""
    return [element.text for element in window.find_elements("css selector", selector) if element.is_displayed()]


def view(window: Any) -> list[float]:
    """Return the steps that the chart of the loss shows."""
    return window.execute_script(
        "const {min, max} = document.querySelector('[data-chart=loss]').chart.scales.x; return [min, max]"
    )


@pytest.mark.parametrize("name", ["broken", "healthy", "imported"])
def test_nothing_is_fetched_and_nothing_complained_about(
    visit: Callable[..., Any], pages: dict[str, Path], name: str
) -> None:
    """One file, from the disk."""
    window = visit(name)
    assert complaints(window) == []
    assert fetched(window) == [pages[name].as_uri()]


@pytest.mark.parametrize(("name", "canvases"), [("broken", 8), ("healthy", 8), ("imported", 2)])
def test_every_chart_is_drawn(visit: Callable[..., Any], name: str, canvases: int) -> None:
    """Each canvas holds more than a background, and the still pictures gave way to them."""
    window = visit(name)
    assert window.execute_script(INK) == [True] * canvases
    assert visible(window, "svg.still") == []


def test_names_are_shown_as_text(visit: Callable[..., Any]) -> None:
    """A layer's name is neither markup nor script, before and after the script filled the table."""
    window = visit("broken")
    assert HOSTILE in [row.split(" Linear")[0] for row in visible(window, "#layer-table tbody tr")]
    assert window.find_elements("css selector", "img[src=x]") == []


def test_the_number_keys_and_bars_zoom_all_charts(visit: Callable[..., Any]) -> None:
    """A bar of the timeline zooms to its finding, 0 shows the whole run again."""
    window = visit("broken")
    assert view(window) == [0, 300]
    window.execute_script("document.querySelector('a.bar[data-from=\"200\"]').click()")
    assert view(window) == [200, 300]
    assert "x=200-300" in window.current_url
    window.find_element("css selector", "body").send_keys("0")
    assert view(window) == [0, 300]


def test_dragging_zooms_and_double_click_resets(visit: Callable[..., Any]) -> None:
    """As in every chart."""
    from selenium.webdriver import ActionChains

    window = visit("healthy")
    over = window.find_element("css selector", "[data-chart=loss] .u-over")
    window.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", over)
    ActionChains(window).move_to_element_with_offset(over, -200, 0).click_and_hold().move_by_offset(
        250, 0
    ).release().perform()
    low, high = view(window)
    assert 0 < low < high < 300
    shown = window.execute_script(
        "return [...document.querySelectorAll('[data-chart]')].map(p => Math.round(p.chart.scales.x.min))"
    )
    assert shown == [round(low)] * len(shown)
    ActionChains(window).double_click(over).perform()
    assert view(window) == [0, 300]


def test_arrow_keys_move_the_cursor(visit: Callable[..., Any]) -> None:
    """The legend tells the values at the cursor, in every chart."""
    window = visit("healthy")
    plot = window.find_element("css selector", "[data-chart=lr]")
    for key in ("\ue014", "\ue014"):  # arrow right
        plot.send_keys(key)
    assert visible(window, "[data-chart=loss] .u-legend .u-value")[0] == "1"


def test_the_layers_can_be_searched_and_sorted(visit: Callable[..., Any]) -> None:
    """The table follows what is typed, and the column that is chosen."""
    window = visit("healthy")
    window.find_element("css selector", "#layer-search").send_keys("hid")
    assert [row.split()[0] for row in visible(window, "#layer-table tbody tr")] == ["hidden"]
    window.find_element("css selector", "#layer-search").send_keys("\ue003" * 3)
    window.find_element("css selector", "th[data-field=parameters] button").click()
    assert [row.split(" Linear ")[1].split()[0] for row in visible(window, "#layer-table tbody tr")] == ["2,080", "330"]
    assert window.find_element("css selector", "th[data-field=parameters]").get_attribute("aria-sort") == "descending"


def test_the_language_can_be_switched(visit: Callable[..., Any]) -> None:
    """Both are in the page, one is shown, and a colleague opens the same."""
    window = visit("broken")
    assert visible(window, "#findings-heading") == ["Findings"]
    window.find_element("css selector", "#lang-zh").click()
    assert visible(window, "#findings-heading") == ["发现的问题"]
    assert window.execute_script("return document.documentElement.lang") == "zh-CN"
    assert "lang=zh" in window.current_url
    assert visible(visit("broken", "#lang=zh"), "#findings-heading") == ["发现的问题"]


def test_the_theme_can_be_switched(visit: Callable[..., Any]) -> None:
    """The page and its canvases turn dark."""
    window = visit("healthy")
    background = "return getComputedStyle(document.body).backgroundColor"
    light = window.execute_script(background)
    window.find_element("css selector", "#theme-dark").click()
    assert (light, window.execute_script(background)) == ("rgb(251, 251, 250)", "rgb(21, 24, 28)")
    assert all(window.execute_script(INK))


def test_an_anchor_opens_its_finding(visit: Callable[..., Any]) -> None:
    """A link to a code, consequences included, shows the card."""
    window = visit("broken", "#nan-loss")
    card = window.find_element("css selector", "#nan-loss .body")
    assert card.is_displayed()


def test_a_row_of_the_heat_map_draws_its_layer(visit: Callable[..., Any]) -> None:
    """By mouse on the map, or with the list beside it."""
    window = visit("healthy")
    window.execute_script(
        "const s = document.querySelector('#layer'); s.selectedIndex = 2; s.dispatchEvent(new Event('change'))"
    )
    assert len(visible(window, "#layer-chart .u-legend .u-series")) == 5
    window.execute_script("document.querySelector('input[name=heat][value=dead]').click()")
    assert visible(window, "#heat-numbers span") == ["0", "0.5", "1"]


def test_without_scripts_everything_is_there(pages: dict[str, Path], tmp_path: Path) -> None:
    """Findings are markup, charts are still pictures, and both languages can be chosen."""
    with browser(tmp_path, scripts=False) as window:
        window.get(pages["broken"].as_uri())
        assert visible(window, "#verdict-heading")[0].startswith("BROKEN: ")
        assert len(visible(window, "svg.still")) == 7
        assert len(visible(window, "img.map")) == 1
        assert visible(window, ".live") == []
        assert visible(window, "noscript .banner")
        window.find_element("css selector", "#lang-zh").click()
        assert visible(window, "#findings-heading") == ["发现的问题"]


def test_a_narrow_window_is_not_wider_than_it_is(visit: Callable[..., Any], window: Any) -> None:
    """Nothing sticks out on a telephone."""
    window.set_window_size(500, 900)
    try:
        visit("broken")
        assert window.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        window.set_window_size(1240, 1000)


@pytest.mark.parametrize("width", [1240, 500])
def test_a_diff_is_two_lines_and_the_button_hides_neither(window: Any, tmp_path: Path, width: int) -> None:
    """The line to take stands below the line to leave; both scroll beside or above the button."""
    lines = marked(f"- old = 1{' ' * 200}# end\n+ new = 2", is_diff=True)
    parts = templates._environment().get_template("parts.html").make_module({"say": Languages(["en"]).say})
    diff = parts.code(lines)
    page = tmp_path / "diff.html"
    page.write_text(f"<html class=scripted><style>{web_page._static('report.css')}</style>{diff}", encoding="utf-8")
    window.set_window_size(width, 1000)
    try:
        window.get(page.as_uri())
        old, new, pre, button = (
            window.execute_script("return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", name)
            for name in ("del", "ins", "pre", "button")
        )
    finally:
        window.set_window_size(1240, 1000)
    assert new["top"] >= old["bottom"] - 1
    assert old["left"] == new["left"]
    assert button["left"] >= pre["right"] or button["top"] >= pre["bottom"]
