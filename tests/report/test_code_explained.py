"""The page of a code on a terminal."""

import pytest

from trainadvisor.judge.rule_loading import load
from trainadvisor.report.text.code_explained import HEADING, blocks, render
from trainadvisor.report.text.unfilled import explanation


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_documentation_is_shown_whole(lang):
    """Whatever its length: nothing is left out in the middle."""
    book = load()
    for rule in book.rules.values():
        page = "".join(render(book, rule, lang).split())
        for block in blocks(explanation(rule, lang)):
            heading = HEADING.match(block)
            text = heading["text"] if heading else block
            assert "".join(text.split()) in page, rule.code
