"""A diagnosis in a notebook: a card without scripts, Markdown, and text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from trainadvisor.report.forms import markdown
from trainadvisor.report.text import full_report

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis

VOID = {"br", "img", "polyline"}


class Outline(HTMLParser):
    """Collects the elements of a piece of HTML, and demands that they nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_card_shows_verdict_findings_and_fix(broken: Diagnosis) -> None:
    """Without a script, and with nothing fetched."""
    outline = Outline(broken._repr_html_())
    assert set(outline.tags) <= {"div", "p", "strong", "code", "details", "summary", "ul", "li", "pre", "small"}
    assert not {name for name in outline.attributes if name.startswith("on") or name in ("src", "href")}
    shown = " ".join(outline.texts)
    assert shown.startswith("BROKEN : training diverged because the learning rate is too high.")
    assert "+ optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9)" in shown


def test_the_curve_is_a_still_picture_in_the_color_of_the_text(healthy: Diagnosis) -> None:
    """It says what it shows to who cannot see it; without points there is none."""
    assert "<svg" not in healthy._repr_html_()
    healthy.run["loss_curve"] = [[step, 100.0 / (1 + step) ** 2] for step in range(40)]
    html = healthy._repr_html_()
    assert 'role="img" aria-label="loss from 100 to 0.0625"' in html
    assert 'stroke="currentColor"' in html
    Outline(html)


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</div>\x1b[2J\u202e"])
def test_names_from_the_log_are_text(broken: Diagnosis, evil: str) -> None:
    """A layer's name makes no element."""
    first = broken.findings[0]
    broken.summary = first.sentence = first.title = first.remedies[0].code = evil
    outline = Outline(broken._repr_html_())
    assert "script" not in outline.tags
    assert "img" not in outline.tags
    assert not {"\x1b", "\u202e"} & set(broken._repr_html_())
    assert "<script>" not in MarkdownIt("commonmark").render(broken._repr_markdown_())


def test_every_form_tells_the_same(broken: Diagnosis) -> None:
    """A notebook chooses one of them."""
    bundle = broken._repr_mimebundle_()
    assert bundle == {
        "text/html": broken._repr_html_(),
        "text/markdown": markdown.render(broken, "en"),
        "text/plain": full_report.render(broken, "en"),
    }
    assert str(broken) == bundle["text/plain"]


def test_a_chinese_diagnosis_stays_chinese(broken: Diagnosis) -> None:
    """The words around are those of its language, whatever its sentences are made of."""
    broken.summary = "学习率过大。"
    assert "<strong>BROKEN</strong>: 学习率过大。" in broken._repr_html_()
    broken.lang = "zh"
    assert "<strong>错误</strong>：学习率过大。" in broken._repr_html_()
