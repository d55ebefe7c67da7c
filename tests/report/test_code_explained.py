"""The page of a code on a terminal."""

import pytest

from trainadvisor.i18n.language import Words
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


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_thresholds_are_shown_with_their_reasons_where_more_is_wanted(lang):
    """Each with its value, and nowhere else."""
    book = load()
    rule = next(rule for rule in book.rules.values() if len(rule.thresholds) > 1)
    label = Words(lang)("thresholds")
    plain, verbose = (render(book, rule, lang, width=1000, verbose=more) for more in (False, True))
    assert (label in plain, label in verbose) == (False, True)
    for name, value in rule.thresholds.items():
        assert any(name in line and f"{value:g}" in line for line in verbose.splitlines())
