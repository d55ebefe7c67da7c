"""The reasons of thresholds in Chinese: each has one, and it says no less than the English one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from test_told_signals import figures

from trainadvisor.i18n.told_reasons import table, told_in
from trainadvisor.judge.rule_loading import load
from trainadvisor.report.text.code_explained import render

if TYPE_CHECKING:
    from trainadvisor.judge.rulebook import Rule

BOOK = load()
RULES = [rule for rule in BOOK.rules.values() if rule.reasons]
CHINESE = re.compile("[\u4e00-\u9fff]")


def test_no_reason_is_left_over() -> None:
    """Of rules and thresholds that are gone."""
    known = {(code, name) for code, rule in BOOK.rules.items() for name in rule.reasons}
    assert {(code, name) for code, reasons in table().items() for name in reasons} - known == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_reason_has_a_chinese_one_with_the_same_figures(rule: Rule) -> None:
    """A limit that one language lacks, or has as another, is wrong in one of them."""
    reasons = {name: english for name, english in rule.reasons.items() if english}
    told = {name: told_in("zh", rule.code, name, "") for name in reasons}
    assert [name for name, text in told.items() if not CHINESE.search(text)] == []
    assert {name: figures(text) for name, text in told.items()} == {
        name: figures(english) for name, english in reasons.items()
    }


def test_a_code_is_explained_with_reasons_in_the_language() -> None:
    """Each threshold with its own; a rule of somebody's keeps its English ones."""
    rule = BOOK.rules["vanishing-gradients"]
    chinese, english = (render(BOOK, rule, lang, width=1000, verbose=True) for lang in ("zh", "en"))
    for name, reason in rule.reasons.items():
        assert told_in("zh", rule.code, name, "").replace(" %", "%") in chinese
        assert reason in english
    assert told_in("zh", "of-somebody", "most", "because we say so") == "because we say so"
